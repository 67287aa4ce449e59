// A PE group: a PE for each stream, the masks of its sums, the PPU, and which job its Reg-2 serves. Two jobs may be in
// flight; what is said of them stands side by side, the job of even number in its cluster first.
module pe_group #(
    parameter int group = 0,
    parameter int pes_per_group = 3,
    parameter int macs_per_pe = 1,
    parameter int row_slots = 2,
    parameter int row_slot_entries = 64,
    parameter int reg1_words = 64,
    parameter int reg2_words = 64,
    parameter int pipeline_cycles = 3,
    parameter int ppu_words_per_cycle = 4,
    parameter int buffer_banks = 4,
    parameter int operand_bits = 16,
    parameter int sum_bits = 32,
    parameter int line_bits = 128,
    parameter bit mask_skipping = 1,
    parameter bit input_skipping = 1,
    parameter int kernel_columns = 11,
    parameter int column_bits = 8,
    parameter int residue_bits = 2,
    parameter int count_bits = 24,
    parameter int words_per_line = line_bits / operand_bits,
    parameter int reg1_address_bits = $clog2(2 * reg1_words),
    parameter int reg2_address_bits = $clog2(reg2_words),
    parameter int target_bits = reg1_address_bits > reg2_address_bits ? reg1_address_bits : reg2_address_bits,
    parameter int tap_bits = residue_bits + 2 * column_bits + target_bits,
    parameter int operation_bits = 5 + reg1_address_bits + reg2_address_bits,
    parameter int entry_bits = operand_bits + reg2_address_bits + column_bits + residue_bits,
    parameter int slot_bits = row_slots > 1 ? $clog2(row_slots) : 1,
    parameter int index_bits = $clog2(reg2_words * pes_per_group + 1)
) (
    input logic clk,
    input logic reset,
    // the program
    input logic is_osrc,
    input logic has_masks,
    input logic relu,
    input logic prune,
    input logic [4:0] shift,
    input logic [15:0] threshold,
    input logic seed_load,
    input logic [31:0] seed,
    // the jobs of the cluster: how many it has taken, and of the last two of them
    input logic [1:0] taken,
    input logic out_of_work,
    input logic [1:0] dispatched,
    input logic [1:0] fetched,
    input logic [1:0] all_written,
    input logic [2*8-1:0] out_count,
    input logic [2*8-1:0] out_bank,
    input logic [2*12-1:0] out_row,
    input logic [2*12-1:0] accumulators,
    input logic [1:0] read_sums,
    input logic [1:0] final_result,
    input logic [2*16-1:0] sums_address,
    input logic [2*16-1:0] sums_stride,
    input logic [2*16-1:0] result_address,
    input logic [2*16-1:0] result_stride,
    input logic [2*pes_per_group*12-1:0] drain_starts,
    // operations that the streams take on
    input logic [pes_per_group-1:0] issue,
    input logic [slot_bits-1:0] issue_slot,
    input logic issue_job,
    input logic [pes_per_group-1:0] slot_free,
    input logic [pes_per_group*row_slots-1:0] slot_job,
    output logic [pes_per_group*row_slots-1:0] slot_held,
    // what comes from the buffer: job of the line, then rows, ch1, kernel rows
    input logic line_job,
    input logic [slot_bits-1:0] fill_slot,
    input logic [pes_per_group*$clog2(words_per_line+1)-1:0] fill_counts,
    input logic [words_per_line*entry_bits-1:0] fill_entries,
    input logic [pes_per_group-1:0] arrive,
    input logic [operation_bits-1:0] arriving_operation,
    input logic [pes_per_group*2-1:0] reg1_clear,
    input logic [pes_per_group*words_per_line-1:0] reg1_valid,
    input logic [words_per_line*reg1_address_bits-1:0] reg1_load_addresses,
    input logic [words_per_line*operand_bits-1:0] reg1_load_words,
    input logic [pes_per_group-1:0] tap_load,
    input logic tap_load_set,
    input logic [kernel_columns*tap_bits-1:0] load_taps,
    input logic mask_load,
    input logic mask_last,
    input logic [15:0] mask_line_number,
    input logic [line_bits-1:0] mask_line,
    // the write port
    output logic write_request,
    output logic write_job,
    output logic [7:0] write_bank,
    output logic [15:0] write_sums_address,
    output logic [15:0] write_result_address,
    output logic [15:0] write_sums_lines,
    output logic [15:0] write_lines,
    output logic [line_bits-1:0] write_line,
    input logic write_transfer,
    input logic [15:0] write_line_index,
    input logic written,
    input logic [line_bits-1:0] sums_line,
    // counters
    input logic count,
    input logic switching,
    output logic [pes_per_group*6*count_bits-1:0] states,
    output logic [39:0] abs_sum
);
  localparam int pipeline_bits = $clog2(pipeline_cycles + 1);

  // ---- the current job
  logic [1:0] current, now, behind, taking_part, done, mask_here;
  logic [2*pipeline_bits-1:0] since;
  logic has_job, skips, starts, draining, drain, drain_ends, holds_result, ppu_job, ppu_job_now;
  logic [11:0] drained_words;
  logic [index_bits-1:0] drain_index;

  for (genvar j = 0; j < 2; j++) begin : job
    assign taking_part[j] = out_count[j*8+:8] > 8'(group);
    assign done[j] = fetched[j] && taking_part[j]
        && (slot_held & (j == 1 ? slot_job : ~slot_job)) == '0;

    always_ff @(posedge clk) begin
      if (reset || !done[j]) since[j*pipeline_bits+:pipeline_bits] <= '0;
      else if (32'(since[j*pipeline_bits+:pipeline_bits]) < pipeline_cycles)
        since[j*pipeline_bits+:pipeline_bits] <= since[j*pipeline_bits+:pipeline_bits] + 1'b1;

      // A job without entries may be done before its mask has come.
      if (reset || (starts && now[0] == 1'(j))) mask_here[j] <= 1'b0;
      else if (mask_load && mask_last && line_job == 1'(j)) mask_here[j] <= 1'b1;
    end
  end

  // A job in which the group has no channel is over for it when it is fetched.
  assign skips = taken != current && fetched[current[0]] && !taking_part[current[0]];
  assign now = current + 2'(skips);
  assign behind = taken - now;
  assign has_job = behind != '0;

  // ---- the drain
  assign starts = has_job && done[now[0]] && !draining && !holds_result
      && 32'(since[32'(now[0])*pipeline_bits+:pipeline_bits]) == pipeline_cycles
      && (behind == 2'd2 || all_written[!now[0]]) && (!has_masks || mask_here[now[0]]);
  assign drain = starts || draining;
  assign drain_ends = drain && 32'(drained_words) + ppu_words_per_cycle >= 32'(accumulators[32'(now[0])*12+:12]);
  assign ppu_job_now = starts ? now[0] : ppu_job;

  always_ff @(posedge clk) begin
    if (reset) begin
      current <= '0;
      {draining, holds_result, write_request} <= '0;
      {drained_words, drain_index} <= '0;
    end else begin
      current <= now + 2'(drain_ends);
      draining <= drain && !drain_ends;
      holds_result <= starts || (holds_result && !written);
      write_request <= drain_ends || (write_request && !written);
      drained_words <= drain && !drain_ends ? drained_words + 12'(ppu_words_per_cycle) : '0;
      drain_index <= drain && !drain_ends ? drain_index + 1'b1 : '0;
    end
    ppu_job <= ppu_job_now;
  end

  // ---- the PEs
  logic [pes_per_group*ppu_words_per_cycle*sum_bits-1:0] drained_by;
  logic [ppu_words_per_cycle*sum_bits-1:0] drained;
  logic [2*reg2_words-1:0] masks;

  mask_store #(
      .reg2_words(reg2_words),
      .line_bits(line_bits)
  ) mask_of_sums (
      .clk,
      .load(mask_load),
      .load_job(line_job),
      .load_line_number(mask_line_number),
      .load_line(mask_line),
      .masks
  );

  for (genvar p = 0; p < pes_per_group; p++) begin : position
    logic busy, reject, start, ended;
    logic [slot_bits-1:0] slot;
    logic [11:0] drain_address;

    assign drain_address = drained_words - (is_osrc ? drain_starts[(32'(now[0])*pes_per_group+p)*12+:12] : 12'd0);

    pe #(
        .macs_per_pe(macs_per_pe),
        .row_slots(row_slots),
        .row_slot_entries(row_slot_entries),
        .reg1_words(reg1_words),
        .reg2_words(reg2_words),
        .pipeline_cycles(pipeline_cycles),
        .ppu_words_per_cycle(ppu_words_per_cycle),
        .operand_bits(operand_bits),
        .sum_bits(sum_bits),
        .line_bits(line_bits),
        .mask_skipping(mask_skipping),
        .input_skipping(input_skipping),
        .kernel_columns(kernel_columns),
        .column_bits(column_bits),
        .residue_bits(residue_bits)
    ) one (
        .clk,
        .reset,
        .fill_slot,
        .fill_count(fill_counts[p*$clog2(words_per_line+1)+:$clog2(words_per_line+1)]),
        .fill_entries,
        .arrive(arrive[p]),
        .arriving_operation,
        .reg1_clear(reg1_clear[p*2+:2]),
        .reg1_valid(reg1_valid[p*words_per_line+:words_per_line]),
        .reg1_load_addresses,
        .reg1_load_words,
        .tap_load(tap_load[p]),
        .tap_load_set,
        .load_taps,
        .current_job(now[0]),
        .sums_mask(masks[32'(now[0])*reg2_words+:reg2_words]),
        .drain,
        .drain_address,
        .drained(drained_by[p*ppu_words_per_cycle*sum_bits+:ppu_words_per_cycle*sum_bits]),
        .slot,
        .start,
        .busy,
        .reject,
        .done(ended)
    );

    for (genvar s = 0; s < row_slots; s++) begin : each_slot
      always_ff @(posedge clk) begin
        if (reset || (ended && slot == slot_bits'(s))) slot_held[p*row_slots+s] <= 1'b0;
        else if (issue[p] && issue_slot == slot_bits'(s) && taking_part[issue_job])
          slot_held[p*row_slots+s] <= 1'b1;
      end
    end

    activity #(
        .count_bits(count_bits)
    ) account (
        .clk,
        .reset,
        .count,
        .switching,
        .busy,
        .reject,
        .start,
        .no_job(!has_job),
        .out_of_work(out_of_work && !holds_result),
        .done(done[now[0]]),
        .dispatched(dispatched[now[0]]),
        .taking_part(taking_part[now[0]]),
        // What was issued to the PE has its slot.
        .slot_free(slot_free[p] || issue[p] || slot_held[p*row_slots+:row_slots] != '0),
        .states(states[p*6*count_bits+:6*count_bits])
    );
  end

  for (genvar i = 0; i < ppu_words_per_cycle; i++) begin : lane
    logic [(pes_per_group+1)*sum_bits-1:0] partial;

    assign partial[0+:sum_bits] = '0;
    for (genvar p = 0; p < pes_per_group; p++) begin : added
      assign partial[(p+1)*sum_bits+:sum_bits] =
          partial[p*sum_bits+:sum_bits] + drained_by[(p*ppu_words_per_cycle+i)*sum_bits+:sum_bits];
    end
    assign drained[i*sum_bits+:sum_bits] = partial[pes_per_group*sum_bits+:sum_bits];
  end

  // ---- the PPU
  logic [index_bits-1:0] sums_lines, lines;
  logic unused_reading, unused;
  assign unused = ^write_line_index;
  logic [31:0] channel_place;

  ppu #(
      .reg2_words(reg2_words),
      .pes_per_group(pes_per_group),
      .ppu_words_per_cycle(ppu_words_per_cycle),
      .operand_bits(operand_bits),
      .sum_bits(sum_bits),
      .line_bits(line_bits)
  ) post_processing (
      .clk,
      .reset,
      .seed_load,
      .seed,
      .accumulators(index_bits'(accumulators[32'(ppu_job_now)*12+:12])),
      .read_sums(read_sums[ppu_job_now]),
      .final_result(final_result[ppu_job_now] && !is_osrc),
      .masked(has_masks),
      .relu,
      .prune,
      .shift,
      .threshold,
      .mask(masks[32'(ppu_job_now)*reg2_words+:reg2_words]),
      .drain,
      .drain_index,
      .drained,
      .transfer(write_transfer),
      .line_index(index_bits'(write_line_index)),
      .sums_line,
      .sums_lines,
      .lines,
      .reading(unused_reading),
      .write_line,
      .abs_sum
  );

  assign channel_place = 32'(out_bank[32'(ppu_job_now)*8+:8]) + group;
  assign write_job = ppu_job;
  assign write_bank = 8'(channel_place % buffer_banks);
  assign write_sums_address = sums_address[32'(ppu_job_now)*16+:16]
      + (16'(out_row[32'(ppu_job_now)*12+:12]) + 16'(channel_place / buffer_banks))
      * sums_stride[32'(ppu_job_now)*16+:16];
  assign write_result_address = final_result[ppu_job_now] && !is_osrc
      ? result_address[32'(ppu_job_now)*16+:16]
        + (16'(out_row[32'(ppu_job_now)*12+:12]) + 16'(channel_place / buffer_banks))
        * result_stride[32'(ppu_job_now)*16+:16]
      : write_sums_address;
  assign write_sums_lines = 16'(sums_lines);
  assign write_lines = 16'(lines);
endmodule
