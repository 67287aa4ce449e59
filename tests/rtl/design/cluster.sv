// A cluster: the groups that listen to the same streams, their fetch unit and their write port, and the jobs it has
// taken. A job is settled with `ask`, its words of the program tables come with `load`, in the last cycle of its
// dispatch.
module cluster #(
    parameter int groups_per_cluster = 2,
    parameter int pes_per_group = 3,
    parameter int macs_per_pe = 1,
    parameter int row_slots = 2,
    parameter int row_slot_entries = 64,
    parameter int reg1_words = 64,
    parameter int reg2_words = 64,
    parameter int pipeline_cycles = 3,
    parameter int ppu_words_per_cycle = 4,
    parameter int buffer_banks = 4,
    parameter int bank_lines = 256,
    parameter int read_latency_cycles = 2,
    parameter int operand_bits = 16,
    parameter int sum_bits = 32,
    parameter int line_bits = 128,
    parameter bit mask_skipping = 1,
    parameter bit input_skipping = 1,
    parameter int kernel_columns = 11,
    parameter int column_bits = 8,
    parameter int residue_bits = 2,
    parameter int count_bits = 24,
    parameter int rowop_words = 256,
    parameter int unit_words = 64,
    parameter int geometry_words = 16,
    parameter int pointer_words = 1024,
    parameter int words_per_line = line_bits / operand_bits,
    parameter int line_address_bits = $clog2(bank_lines),
    parameter int reg1_address_bits = $clog2(2 * reg1_words),
    parameter int reg2_address_bits = $clog2(reg2_words),
    parameter int target_bits = reg1_address_bits > reg2_address_bits ? reg1_address_bits : reg2_address_bits,
    parameter int tap_bits = residue_bits + 2 * column_bits + target_bits,
    parameter int place_bits = column_bits + residue_bits,
    parameter int pes = groups_per_cluster * pes_per_group,
    parameter int pointer_line_bits = $clog2(pointer_words / words_per_line)
) (
    input logic clk,
    input logic reset,
    // tables: 2 row operations, 3 units, 4 taps, 5 places, 6 ch1 places
    input logic program_write,
    input logic [3:0] program_select,
    input logic [15:0] program_address,
    input logic [1023:0] program_data,
    input logic pointer_write,
    input logic [pointer_line_bits-1:0] pointer_write_address,
    input logic [line_bits-1:0] pointer_write_line,
    // the program
    input logic is_msrc,
    input logic is_osrc,
    input logic use_mask,
    input logic has_masks,
    input logic dense,
    input logic row_handout_dynamic,
    input logic relu,
    input logic prune,
    input logic [4:0] shift,
    input logic [15:0] threshold,
    input logic [3:0] kernel_row_words,
    input logic seed_load,
    input logic [groups_per_cluster*32-1:0] seeds,
    // the controller
    output logic may_ask,
    output logic idle,
    input logic ask,
    input logic out_of_work,
    input logic load,
    input logic [310:0] job,
    // the banks
    output logic [buffer_banks-1:0] fetch_request,
    output logic fetch_last,
    output logic [line_address_bits-1:0] fetch_address,
    input logic [buffer_banks-1:0] fetch_grant,
    output logic [buffer_banks-1:0] write_request,
    output logic write_last,
    output logic write_write,
    output logic [line_address_bits-1:0] write_address,
    output logic [line_bits-1:0] write_line,
    input logic [buffer_banks-1:0] write_grant,
    input logic [buffer_banks*line_bits-1:0] read_lines,
    // counters
    input logic count,
    input logic switching,
    output logic header,
    output logic fetch_transfer,
    output logic write_transfer,
    output logic [pes*6*count_bits-1:0] states,
    output logic [groups_per_cluster*40-1:0] abs_sums
);
  localparam int operation_bits = 5 + reg1_address_bits + reg2_address_bits;
  localparam int entry_bits = operand_bits + reg2_address_bits + place_bits;
  localparam int slot_bits = row_slots > 1 ? $clog2(row_slots) : 1;
  localparam int slots = pes_per_group * row_slots;
  localparam int word_bits = $clog2(words_per_line);
  localparam int fill_bits = $clog2(words_per_line + 1);
  localparam int most_positions = row_slot_entries > reg1_words ? row_slot_entries : reg1_words;

  // The tables are as wide and as deep as the largest build; so are the ports.
  logic unused;
  assign unused = ^{program_address, program_data, line_geometry, clear_geometry};

  // ---- the jobs taken, the last two side by side
  logic [1:0] taken, taken_now, dispatched_held, dispatched, fetched_held, fetched, all_written, asked;
  logic newest, fetch_parity, job_fetched;
  logic [2*groups_per_cluster-1:0] unwritten;
  logic [groups_per_cluster-1:0] written, write_jobs;
  logic [2*8-1:0] out_count, out_bank;
  logic [2*12-1:0] out_row, accumulators;
  logic [1:0] read_sums, final_result;
  logic [2*16-1:0] sums_address, sums_stride, result_address, result_stride;
  logic [2*pes_per_group*12-1:0] drain_starts;
  logic [pes_per_group*$clog2(unit_words)-1:0] unit_addresses;
  logic [pes_per_group*100-1:0] units;

  assign taken_now = taken + 2'(ask);
  assign newest = !taken_now[0];
  assign may_ask = (fetched_held[!taken[0]] || (job_fetched && fetch_parity == !taken[0])) && all_written[taken[0]];
  assign idle = unwritten == '0;

  for (genvar j = 0; j < 2; j++) begin : context_of
    assign asked[j] = ask && taken[0] == 1'(j);
    assign dispatched[j] = dispatched_held[j] && !asked[j];
    assign fetched[j] = (fetched_held[j] && !asked[j]) || (job_fetched && fetch_parity == 1'(j));
    assign all_written[j] = unwritten[j*groups_per_cluster+:groups_per_cluster] == '0;

    always_ff @(posedge clk) begin
      dispatched_held[j] <= reset || dispatched[j] || (load && newest == 1'(j));
      fetched_held[j] <= reset || fetched[j];
      for (int i = 0; i < groups_per_cluster; i++) begin
        if (reset || (written[i] && write_jobs[i] == 1'(j))) unwritten[j*groups_per_cluster+i] <= 1'b0;
        else if (load && newest == 1'(j)) unwritten[j*groups_per_cluster+i] <= 8'(i) < job[7:0];
      end
      if (load && newest == 1'(j)) begin
        {out_row[j*12+:12], out_bank[j*8+:8], out_count[j*8+:8]} <= job[27:0];
        {final_result[j], read_sums[j], accumulators[j*12+:12]} <= job[41:28];
        {result_stride[j*16+:16], result_address[j*16+:16], sums_stride[j*16+:16], sums_address[j*16+:16]}
            <= job[105:42];
      end
    end

    for (genvar p = 0; p < pes_per_group; p++) begin : start_of
      always_ff @(posedge clk) begin
        if (load && newest == 1'(j)) drain_starts[(j*pes_per_group+p)*12+:12] <= units[p*100+88+:12];
      end
    end
  end

  always_ff @(posedge clk) begin
    taken <= reset ? '0 : taken_now;
    if (load) fetch_parity <= newest;
  end

  for (genvar p = 0; p < pes_per_group; p++) begin : unit_of
    assign unit_addresses[p*$clog2(unit_words)+:$clog2(unit_words)] =
        $clog2(unit_words)'(job[273:262]) + $clog2(unit_words)'(p);
  end

  program_table #(
      .words(unit_words),
      .word_bits(100),
      .reads(pes_per_group)
  ) unit_table (
      .clk,
      .write(program_write && program_select == 4'd3),
      .write_address($clog2(unit_words)'(program_address)),
      .write_word(program_data[99:0]),
      .read_addresses(unit_addresses),
      .read_words(units)
  );

  // ---- the fetch unit
  logic [pes_per_group-1:0] issue, clear, slot_free, line_stream, stream;
  logic [slot_bits-1:0] issue_slot, slot, line_slot;
  logic issue_vector, clear_vector, first_line, is_mask, is_ch1, is_weights, vector, last;
  logic line_last, line_is_mask, line_is_ch1, line_is_weights, line_vector, line_first, line_valid;
  logic [7:0] clear_group, clear_geometry, group, bank, row_base, row_words, positions, geometry;
  logic [7:0] line_group, line_row_base, line_row_words, line_positions, line_geometry;
  logic [15:0] line_number, line_line_number;
  logic [word_bits-1:0] first_word, line_first_word;
  logic [word_bits:0] end_word, line_end_word;
  logic [operation_bits-1:0] operation, line_operation;
  logic [line_bits-1:0] line;
  logic [slots-1:0] slot_held, slot_vector, slot_job;

  fetch_unit #(
      .pes_per_group(pes_per_group),
      .row_slots(row_slots),
      .reg1_words(reg1_words),
      .buffer_banks(buffer_banks),
      .bank_lines(bank_lines),
      .operand_bits(operand_bits),
      .line_bits(line_bits),
      .reg2_words(reg2_words),
      .rowop_words(rowop_words),
      .pointer_words(pointer_words)
  ) fetch (
      .clk,
      .reset,
      .rowop_write(program_write && program_select == 4'd2),
      .rowop_write_address($clog2(rowop_words)'(program_address)),
      .rowop_write_word(program_data[95:0]),
      .pointer_write,
      .pointer_write_address,
      .pointer_write_line,
      .is_msrc,
      .is_osrc,
      .use_mask,
      .has_masks,
      .dense,
      .row_handout_dynamic,
      .kernel_columns(kernel_row_words),
      .load,
      .load_parity(newest),
      .job,
      .units,
      .slot_held,
      .slot_vector,
      .fetched(job_fetched),
      .slot_free,
      .issue,
      .issue_slot,
      .issue_vector,
      .clear,
      .clear_group,
      .clear_vector,
      .clear_geometry,
      .header,
      .bank_request(fetch_request),
      .bank_last(fetch_last),
      .bank_address(fetch_address),
      .bank_grant(fetch_grant),
      .transfer(fetch_transfer),
      .first_line,
      .is_mask,
      .is_ch1,
      .is_weights,
      .stream,
      .group,
      .bank,
      .line_number,
      .first_word,
      .end_word,
      .row_base,
      .row_words,
      .positions,
      .geometry,
      .slot,
      .vector,
      .operation
  );
  assign last = fetch_last;

  for (genvar p = 0; p < pes_per_group; p++) begin : stream_slots
    for (genvar s = 0; s < row_slots; s++) begin : each_slot
      always_ff @(posedge clk) begin
        if (issue[p] && issue_slot == slot_bits'(s)) begin
          slot_vector[p*row_slots+s] <= issue_vector;
          slot_job[p*row_slots+s] <= fetch_parity;
        end
      end
    end
  end

  // ---- from the banks to the PEs
  localparam int tag_bits = 6 + slot_bits + pes_per_group + 40 + 16 + 2 * word_bits + 1 + operation_bits;

  line_pipeline #(
      .buffer_banks(buffer_banks),
      .line_bits(line_bits),
      .tag_bits(tag_bits),
      .read_latency_cycles(read_latency_cycles)
  ) pipeline (
      .clk,
      .reset,
      .transfer(fetch_transfer),
      .bank,
      .tag({last, first_line, is_mask, is_ch1, is_weights, vector, slot, stream, group, row_base, row_words,
            positions, geometry, line_number, first_word, end_word, operation}),
      .read_lines,
      .valid(line_valid),
      .valid_tag({line_last, line_first, line_is_mask, line_is_ch1, line_is_weights, line_vector, line_slot,
                  line_stream, line_group, line_row_base, line_row_words, line_positions, line_geometry,
                  line_line_number, line_first_word, line_end_word, line_operation}),
      .line
  );

  logic [word_bits:0] value_count;
  logic [words_per_line*operand_bits-1:0] values;
  logic [words_per_line*8-1:0] value_positions, value_rows, weight_groups;
  logic [words_per_line*4-1:0] weight_taps;
  logic line_job;

  assign line_job = line_operation[operation_bits-1];

  line_reader #(
      .words_per_line(words_per_line),
      .operand_bits(operand_bits),
      .most_positions(most_positions)
  ) reader (
      .clk,
      .valid(line_valid && !line_is_mask),
      .first_line(line_first),
      .dense,
      .is_weights(line_is_weights),
      .first_weights(line_line_number == '0),
      .first_word(line_first_word),
      .end_word(line_end_word),
      .row_base(line_row_base),
      .row_words(line_row_words),
      .positions(line_positions),
      .kernel_columns(kernel_row_words),
      .line,
      .count(value_count),
      .values,
      .value_positions,
      .value_rows,
      .weight_groups,
      .weight_taps
  );

  // ---- where values belong, by the geometry of the row block
  logic [row_slot_entries*place_bits-1:0] places;
  logic [reg1_words*reg1_address_bits-1:0] ch1_places;
  logic [kernel_columns*tap_bits-1:0] taps;
  logic [words_per_line*entry_bits-1:0] entries;
  logic [words_per_line*reg1_address_bits-1:0] reg1_addresses;
  logic [words_per_line*operand_bits-1:0] reg1_load_words;

  program_table #(
      .words(geometry_words),
      .word_bits(kernel_columns * tap_bits)
  ) taps_table (
      .clk,
      .write(program_write && program_select == 4'd4),
      .write_address($clog2(geometry_words)'(program_address)),
      .write_word(program_data[kernel_columns*tap_bits-1:0]),
      .read_addresses($clog2(geometry_words)'(load ? job[261:254] : clear_geometry)),
      .read_words(taps)
  );

  program_table #(
      .words(geometry_words),
      .word_bits(row_slot_entries * place_bits)
  ) places_table (
      .clk,
      .write(program_write && program_select == 4'd5),
      .write_address($clog2(geometry_words)'(program_address)),
      .write_word(program_data[row_slot_entries*place_bits-1:0]),
      .read_addresses($clog2(geometry_words)'(line_geometry)),
      .read_words(places)
  );

  program_table #(
      .words(geometry_words),
      .word_bits(reg1_words * reg1_address_bits)
  ) ch1_places_table (
      .clk,
      .write(program_write && program_select == 4'd6),
      .write_address($clog2(geometry_words)'(program_address)),
      .write_word(program_data[reg1_words*reg1_address_bits-1:0]),
      .read_addresses($clog2(geometry_words)'(line_geometry)),
      .read_words(ch1_places)
  );

  for (genvar w = 0; w < words_per_line; w++) begin : lane
    logic [7:0] position;
    logic [reg1_address_bits-1:0] of_ch1, of_weight;

    assign position = value_positions[w*8+:8];
    assign entries[w*entry_bits+:entry_bits] = {
      places[32'(position)*place_bits+:place_bits],
      reg2_address_bits'(value_rows[w*8+:8]),
      values[w*operand_bits+:operand_bits]
    };
    assign of_ch1 = (line_vector ? reg1_address_bits'(reg1_words) : '0) + reg1_address_bits'(value_rows[w*8+:8])
        + ch1_places[32'(position)*reg1_address_bits+:reg1_address_bits];
    assign of_weight = line_operation[reg1_address_bits-1:0] + reg1_address_bits'(weight_taps[w*4+:4]);
    assign reg1_addresses[w*reg1_address_bits+:reg1_address_bits] = line_is_weights ? of_weight : of_ch1;
    assign reg1_load_words[w*operand_bits+:operand_bits] =
        line_is_weights ? line[w*operand_bits+:operand_bits] : values[w*operand_bits+:operand_bits];
  end

  // ---- the groups
  logic [groups_per_cluster-1:0] ppu_requests, ppu_transfers;
  logic [groups_per_cluster*8-1:0] ppu_banks;
  logic [groups_per_cluster*16-1:0] ppu_sums_addresses, ppu_result_addresses, ppu_sums_lines, ppu_lines;
  logic [groups_per_cluster*line_bits-1:0] ppu_write_lines;
  logic [groups_per_cluster*slots-1:0] slots_held;
  logic [15:0] write_line_index;
  logic [7:0] write_bank;
  logic [line_bits-1:0] sums_line;

  always_comb begin
    slot_held = '0;
    for (int i = 0; i < groups_per_cluster; i++) slot_held = slot_held | slots_held[i*slots+:slots];
  end

  always_comb begin
    sums_line = '0;
    for (int i = 0; i < buffer_banks; i++) begin
      if (write_bank == 8'(i)) sums_line = sums_line | read_lines[i*line_bits+:line_bits];
    end
  end

  for (genvar g = 0; g < groups_per_cluster; g++) begin : each_group
    logic [pes_per_group*fill_bits-1:0] fill_counts;
    logic [pes_per_group-1:0] arrive, tap_load;
    logic [pes_per_group*2-1:0] reg1_clear;
    logic [pes_per_group*words_per_line-1:0] reg1_valid;
    logic takes_part, row_line;

    assign takes_part = 8'(g) < out_count[32'(line_job)*8+:8];
    assign row_line = line_valid && !line_is_mask && !line_is_ch1 && takes_part;

    for (genvar p = 0; p < pes_per_group; p++) begin : to_pe
      logic of_ch1, of_weights, clears;

      assign fill_counts[p*fill_bits+:fill_bits] =
          row_line && line_stream[p] && !line_is_weights ? fill_bits'(value_count) : '0;
      assign arrive[p] = row_line && line_stream[p] && line_last;
      assign of_ch1 = line_valid && line_is_ch1 && line_stream[p] && line_group == 8'(g);
      assign of_weights = row_line && line_is_weights && line_stream[p];
      assign clears = clear[p] && clear_group == 8'(g);
      assign reg1_clear[p*2+:2] = {clears && clear_vector, clears && !clear_vector};
      assign tap_load[p] = (load && !is_osrc) || clears;

      for (genvar w = 0; w < words_per_line; w++) begin : word
        assign reg1_valid[p*words_per_line+w] = (of_ch1 && w < 32'(value_count))
            || (of_weights && weight_groups[w*8+:8] == 8'(g));
      end
    end

    pe_group #(
        .group(g),
        .pes_per_group(pes_per_group),
        .macs_per_pe(macs_per_pe),
        .row_slots(row_slots),
        .row_slot_entries(row_slot_entries),
        .reg1_words(reg1_words),
        .reg2_words(reg2_words),
        .pipeline_cycles(pipeline_cycles),
        .ppu_words_per_cycle(ppu_words_per_cycle),
        .buffer_banks(buffer_banks),
        .operand_bits(operand_bits),
        .sum_bits(sum_bits),
        .line_bits(line_bits),
        .mask_skipping(mask_skipping),
        .input_skipping(input_skipping),
        .kernel_columns(kernel_columns),
        .column_bits(column_bits),
        .residue_bits(residue_bits),
        .count_bits(count_bits)
    ) one (
        .clk,
        .reset,
        .is_osrc,
        .has_masks,
        .relu,
        .prune,
        .shift,
        .threshold,
        .seed_load,
        .seed(seeds[g*32+:32]),
        .taken(taken_now),
        .out_of_work,
        .dispatched,
        .fetched,
        .all_written,
        .out_count,
        .out_bank,
        .out_row,
        .accumulators,
        .read_sums,
        .final_result,
        .sums_address,
        .sums_stride,
        .result_address,
        .result_stride,
        .drain_starts,
        .issue,
        .issue_slot,
        .issue_job(fetch_parity),
        .slot_free,
        .slot_job,
        .slot_held(slots_held[g*slots+:slots]),
        .line_job,
        .fill_slot(line_slot),
        .fill_counts,
        .fill_entries(entries),
        .arrive,
        .arriving_operation(line_operation),
        .reg1_clear,
        .reg1_valid,
        .reg1_load_addresses(reg1_addresses),
        .reg1_load_words,
        .tap_load,
        .tap_load_set(load ? newest : clear_vector),
        .load_taps(taps),
        .mask_load(line_valid && line_is_mask && line_group == 8'(g)),
        .mask_last(line_last),
        .mask_line_number(line_line_number),
        .mask_line(line),
        .write_request(ppu_requests[g]),
        .write_job(write_jobs[g]),
        .write_bank(ppu_banks[g*8+:8]),
        .write_sums_address(ppu_sums_addresses[g*16+:16]),
        .write_result_address(ppu_result_addresses[g*16+:16]),
        .write_sums_lines(ppu_sums_lines[g*16+:16]),
        .write_lines(ppu_lines[g*16+:16]),
        .write_line(ppu_write_lines[g*line_bits+:line_bits]),
        .write_transfer(ppu_transfers[g]),
        .write_line_index,
        .written(written[g]),
        .sums_line,
        .count,
        .switching,
        .states(states[g*pes_per_group*6*count_bits+:pes_per_group*6*count_bits]),
        .abs_sum(abs_sums[g*40+:40])
    );
  end

  write_port #(
      .groups_per_cluster(groups_per_cluster),
      .buffer_banks(buffer_banks),
      .line_bits(line_bits),
      .line_address_bits(line_address_bits)
  ) writes (
      .clk,
      .reset,
      .request(ppu_requests),
      .banks(ppu_banks),
      .sums_addresses(ppu_sums_addresses),
      .result_addresses(ppu_result_addresses),
      .sums_lines(ppu_sums_lines),
      .lines(ppu_lines),
      .write_lines(ppu_write_lines),
      .transfer(ppu_transfers),
      .written,
      .line_index(write_line_index),
      .bank_request(write_request),
      .bank_last(write_last),
      .bank_write(write_write),
      .bank_address(write_address),
      .bank_write_line(write_line),
      .bank_grant(write_grant),
      .bank(write_bank)
  );
  assign write_transfer = ppu_transfers != '0;
endmodule
