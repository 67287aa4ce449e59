// The fetch unit of a cluster: one item at a time through its port. An item is read in its header cycle, stands at
// its bank from the next cycle on, and goes over line by line. Mask items come first; then the stream whose item has
// been ready longest. A row without entries, and a ch1 row without words, is over with its header.
// job, unit: words of the program tables, given with `load`, the cycle before the dispatch.
module fetch_unit #(
    parameter int pes_per_group = 3,
    parameter int row_slots = 2,
    parameter int reg1_words = 64,
    parameter int buffer_banks = 4,
    parameter int bank_lines = 256,
    parameter int operand_bits = 16,
    parameter int line_bits = 128,
    parameter int reg2_words = 64,
    parameter int rowop_words = 256,
    parameter int pointer_words = 1024,
    parameter int words_per_line = line_bits / operand_bits,
    parameter int reg1_address_bits = $clog2(2 * reg1_words),
    parameter int reg2_address_bits = $clog2(reg2_words),
    parameter int operation_bits = 5 + reg1_address_bits + reg2_address_bits,
    parameter int slot_bits = row_slots > 1 ? $clog2(row_slots) : 1,
    parameter int line_address_bits = $clog2(bank_lines),
    parameter int word_bits = $clog2(words_per_line),
    parameter int rowop_address_bits = $clog2(rowop_words),
    parameter int pointer_line_bits = $clog2(pointer_words / words_per_line)
) (
    input logic clk,
    input logic reset,
    // tables
    input logic rowop_write,
    input logic [rowop_address_bits-1:0] rowop_write_address,
    input logic [95:0] rowop_write_word,
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
    input logic [3:0] kernel_columns,
    // the next job
    input logic load,
    input logic load_parity,
    input logic [310:0] job,
    input logic [pes_per_group*100-1:0] units,
    // what the groups still hold
    input logic [pes_per_group*row_slots-1:0] slot_held,
    input logic [pes_per_group*row_slots-1:0] slot_vector,
    output logic fetched,
    output logic [pes_per_group-1:0] slot_free,
    // a header: of an operation with entries (issue), or of a ch1 item (clear)
    output logic [pes_per_group-1:0] issue,
    output logic [slot_bits-1:0] issue_slot,
    output logic issue_vector,
    output logic [pes_per_group-1:0] clear,
    output logic [7:0] clear_group,
    output logic clear_vector,
    output logic [7:0] clear_geometry,
    output logic header,
    // banks
    output logic [buffer_banks-1:0] bank_request,
    output logic bank_last,
    output logic [line_address_bits-1:0] bank_address,
    input logic [buffer_banks-1:0] bank_grant,
    // the line that goes over, and its item
    output logic transfer,
    output logic first_line,
    output logic is_mask,
    output logic is_ch1,
    output logic is_weights,
    output logic [pes_per_group-1:0] stream,
    output logic [7:0] group,
    output logic [7:0] bank,
    output logic [15:0] line_number,
    output logic [word_bits-1:0] first_word,
    output logic [word_bits:0] end_word,
    output logic [7:0] row_base,
    output logic [7:0] row_words,
    output logic [7:0] positions,
    output logic [7:0] geometry,
    output logic [slot_bits-1:0] slot,
    output logic vector,
    output logic [operation_bits-1:0] operation
);
  // Of the job: what is not needed after its load stays on the table's side.
  logic [7:0] out_count, load_rowop_count, job_geometry;
  logic [11:0] load_accumulators, rowop_start;
  logic [15:0] mask_address, mask_stride, weight_address, weight_stride;
  logic parity, active;

  // The item in the port.
  logic busy, item_is_mask, item_is_ch1, item_vector;
  logic [pes_per_group-1:0] item_stream, in_port;
  logic [7:0] item_group, item_bank;
  logic [15:0] item_rows_line, item_weight_line;
  logic [word_bits-1:0] item_first, item_end;
  logic [15:0] lines_of_rows, lines_left, line_index;
  logic [95:0] item_rowop;
  logic [slot_bits-1:0] item_slot;
  logic [operation_bits-1:0] item_operation;

  // Mask items.
  logic [7:0] masks_left, mask_group, mask_bank;
  logic [11:0] mask_row;
  logic [15:0] mask_lines;
  logic in_prologue, mask_header;

  // What each stream was handed.
  logic [pes_per_group-1:0] map_valid, unit_valid, unit_is_ch1, begun;
  logic [pes_per_group*56-1:0] map_operations;
  logic [pes_per_group-1:0] handed, ready, oldest, empty, room, advance, header_of;
  logic [pes_per_group*rowop_address_bits-1:0] rowop_addresses;
  logic [pes_per_group*96-1:0] rowops;
  logic [2*pes_per_group*$clog2(pointer_words)-1:0] pointer_addresses;
  logic [2*pes_per_group*operand_bits-1:0] pointers;
  logic [pes_per_group*8-1:0] banks, groups;
  logic [pes_per_group*12-1:0] rows, reg2_bases;
  logic [pes_per_group*slot_bits-1:0] next_slot;
  logic [pes_per_group-1:0] next_vector, vector_of_item;

  logic unused;

  // ---- the job
  logic [11:0] load_reduce_count, load_reduce_row, load_out_row, load_unit_start;
  logic [7:0] load_out_bank, load_reduce_bank, load_out_count, load_geometry;
  logic [15:0] load_pointer_base, load_pointer_stride, load_ch1_base, load_ch1_stride;
  logic [15:0] load_mask_address, load_mask_stride, load_weight_address, load_weight_stride;
  logic [15:0] load_sums_address, load_sums_stride, load_result_address, load_result_stride;
  logic [11:0] load_rowop_start;
  logic [3:0] load_unit_count;
  logic load_read_sums, load_final, load_no_items;

  assign {load_no_items, load_ch1_stride, load_ch1_base, load_unit_count, load_unit_start, load_geometry,
          load_weight_stride, load_weight_address, load_pointer_stride, load_pointer_base, load_reduce_row,
          load_reduce_bank, load_reduce_count, load_rowop_count, load_rowop_start, load_mask_stride,
          load_mask_address, load_result_stride, load_result_address, load_sums_stride, load_sums_address,
          load_final, load_read_sums, load_accumulators, load_out_row, load_out_bank, load_out_count} = job;
  assign unused = ^{load_no_items, load_unit_start, load_result_stride, load_result_address, load_sums_stride,
                    load_sums_address, load_final, load_read_sums, units, item_rowop};

  always_ff @(posedge clk) begin
    if (reset) active <= 1'b0;
    else if (load) active <= 1'b1;
    else if (fetched) active <= 1'b0;
    if (load) begin
      parity <= load_parity;
      out_count <= load_out_count;
      job_geometry <= load_geometry;
      rowop_start <= load_rowop_start;
      mask_address <= load_mask_address;
      mask_stride <= load_mask_stride;
      weight_address <= load_weight_address;
      weight_stride <= load_weight_stride;
      mask_lines <= (16'(load_accumulators) + 16'(line_bits - 1)) / 16'(line_bits);
    end
  end

  assign fetched = active && masks_left == '0 && !busy && handed == '0;

  // ---- mask items
  assign in_prologue = masks_left != '0 || (busy && item_is_mask);
  assign mask_header = active && !busy && masks_left != '0;

  always_ff @(posedge clk) begin
    if (reset) masks_left <= '0;
    else if (load) masks_left <= has_masks ? load_out_count : 8'd0;
    else if (mask_header) masks_left <= masks_left - 8'd1;
    if (load) begin
      mask_group <= '0;
      mask_bank <= load_out_bank;
      mask_row <= load_out_row;
    end else if (mask_header) begin
      mask_group <= mask_group + 8'd1;
      mask_bank <= 32'(mask_bank) == buffer_banks - 1 ? '0 : mask_bank + 8'd1;
      if (32'(mask_bank) == buffer_banks - 1) mask_row <= mask_row + 12'd1;
    end
  end

  // ---- what the streams were handed
  map_items #(
      .pes_per_group(pes_per_group),
      .buffer_banks(buffer_banks)
  ) map (
      .clk,
      .reset,
      .load,
      .load_kernel_rows(load_rowop_count),
      .load_channels(load_reduce_count),
      .load_pointer_stride,
      .load_first({load_pointer_base, load_reduce_row, load_reduce_bank, 12'd0, 8'd0}),
      .row_handout_dynamic,
      .advance,
      .valid(map_valid),
      .operations(map_operations)
  );

  program_table #(
      .words(rowop_words),
      .word_bits(96),
      .reads(pes_per_group)
  ) rowop_table (
      .clk,
      .write(rowop_write),
      .write_address(rowop_write_address),
      .write_word(rowop_write_word),
      .read_addresses(rowop_addresses),
      .read_words(rowops)
  );

  pointer_table #(
      .pointer_words(pointer_words),
      .operand_bits(operand_bits),
      .words_per_line(words_per_line),
      .reads(2 * pes_per_group)
  ) pointer_store (
      .clk,
      .write(pointer_write),
      .write_line_address(pointer_write_address),
      .write_line(pointer_write_line),
      .read_addresses(pointer_addresses),
      .read_pointers(pointers)
  );

  for (genvar p = 0; p < pes_per_group; p++) begin : each_stream
    logic [11:0] unit_rowop, unit_row, unit_reg2_base, map_row, map_channel;
    logic [15:0] unit_pointer, map_pointer, pointer, pointer_offset, words_without_values;
    logic [7:0] unit_bank, unit_group, map_bank, map_kernel_row, of_rows, of_positions;
    logic [row_slots-1:0] held, held_by_vector;
    logic own_ch1, vector_free, unit_given;
    logic [$clog2(pointer_words)-1:0] first_pointer;

    assign unit_given = 32'(load_unit_count) > p;

    unit_items #(
        .buffer_banks(buffer_banks)
    ) unit (
        .clk,
        .reset,
        .load,
        .load_valid(unit_given),
        .load_unit(units[p*100+:88]),
        .load_groups(load_out_count),
        .load_group_bank(load_out_bank),
        .load_group_row(load_out_row),
        .load_ch1_pointer_base(load_ch1_base),
        .load_ch1_pointer_stride(load_ch1_stride),
        .kernel_columns,
        .advance(advance[p] && is_osrc),
        .valid(unit_valid[p]),
        .is_ch1(unit_is_ch1[p]),
        .next_block_begun(begun[p]),
        .rowop(unit_rowop),
        .pointer(unit_pointer),
        .bank(unit_bank),
        .row(unit_row),
        .group(unit_group),
        .reg2_base(unit_reg2_base)
    );

    assign {map_pointer, map_row, map_bank, map_channel, map_kernel_row} = map_operations[p*56+:56];

    assign handed[p] = is_osrc ? unit_valid[p] : map_valid[p];
    assign own_ch1 = is_osrc && unit_is_ch1[p];
    assign rowop_addresses[p*rowop_address_bits+:rowop_address_bits] =
        rowop_address_bits'(is_osrc ? unit_rowop : rowop_start + 12'(map_kernel_row));
    assign pointer_offset = own_ch1 ? rowops[p*96+72+:16] : rowops[p*96+:16];
    assign pointer = is_osrc ? unit_pointer : map_pointer;
    assign of_rows = rowops[p*96+16+:8];
    assign of_positions = own_ch1 ? rowops[p*96+88+:8] : rowops[p*96+40+:8];
    assign first_pointer = $clog2(pointer_words)'(pointer + pointer_offset);
    assign pointer_addresses[2*p*$clog2(pointer_words)+:2*$clog2(pointer_words)] =
        {first_pointer + $clog2(pointer_words)'(of_rows), first_pointer};

    // A compressed row has its mask words even if nothing else.
    assign words_without_values = dense ? 16'd0
        : 16'(of_rows) * 16'((32'(of_positions) + operand_bits - 1) / operand_bits);
    assign empty[p] = pointers[(2*p+1)*operand_bits+:operand_bits] - pointers[2*p*operand_bits+:operand_bits]
                      == words_without_values;

    assign banks[p*8+:8] = is_osrc ? unit_bank : map_bank;
    assign rows[p*12+:12] = is_osrc ? unit_row : map_row;
    assign groups[p*8+:8] = unit_group;
    assign reg2_bases[p*12+:12] = is_osrc ? unit_reg2_base : 12'd0;

    // The slot of the next operation; the ch1 vector of the next block, or of the item's own.
    assign held = slot_held[p*row_slots+:row_slots];
    assign held_by_vector = next_vector[p] ? slot_vector[p*row_slots+:row_slots]
                                           : ~slot_vector[p*row_slots+:row_slots];
    assign slot_free[p] = !held[next_slot[p*slot_bits+:slot_bits]];
    assign vector_free = begun[p] || (held & held_by_vector) == '0;
    assign vector_of_item[p] = begun[p] == unit_is_ch1[p] ? ~next_vector[p] : next_vector[p];
    assign room[p] = own_ch1 ? vector_free : empty[p] || slot_free[p];

    assign in_port[p] = busy && !item_is_mask && item_stream[p];
    assign ready[p] = active && !in_prologue && !in_port[p] && handed[p] && room[p];
    assign header_of[p] = !busy && oldest[p];
    assign issue[p] = header_of[p] && !own_ch1 && !empty[p];
    assign clear[p] = header_of[p] && own_ch1;
    assign advance[p] = (header_of[p] && empty[p]) || (in_port[p] && transfer && bank_last);

    always_ff @(posedge clk) begin
      if (reset) next_slot[p*slot_bits+:slot_bits] <= '0;
      else if (issue[p])
        next_slot[p*slot_bits+:slot_bits] <=
            32'(next_slot[p*slot_bits+:slot_bits]) == row_slots - 1 ? '0 : next_slot[p*slot_bits+:slot_bits] + 1'b1;
      if (reset) next_vector[p] <= 1'b0;
      else if (clear[p] && !begun[p]) next_vector[p] <= !next_vector[p];
    end

    logic unused_of_stream;
    assign unused_of_stream = ^{map_channel};
  end

  oldest_first #(
      .requesters(pes_per_group)
  ) arbiter (
      .clk,
      .reset,
      .request(ready),
      .served(header_of),
      .oldest
  );

  // ---- the header
  logic [95:0] chosen_rowop;
  logic [15:0] chosen_first, chosen_end, chosen_weight_line, weight_lines;
  logic [7:0] chosen_bank, chosen_group;
  logic [11:0] chosen_row, chosen_reg2_base;
  logic [slot_bits-1:0] chosen_slot;
  logic chosen_empty, chosen_ch1, chosen_vector, chosen_set;
  logic [reg1_address_bits-1:0] chosen_reg1_base;

  always_comb begin
    chosen_rowop = '0;
    chosen_first = '0;
    chosen_end = '0;
    chosen_bank = '0;
    chosen_group = '0;
    chosen_row = '0;
    chosen_reg2_base = '0;
    chosen_slot = '0;
    chosen_empty = 1'b0;
    chosen_ch1 = 1'b0;
    chosen_vector = 1'b0;
    for (int i = 0; i < pes_per_group; i++) begin
      if (header_of[i]) begin
        chosen_rowop = chosen_rowop | rowops[i*96+:96];
        chosen_first = chosen_first | pointers[2*i*operand_bits+:operand_bits];
        chosen_end = chosen_end | pointers[(2*i+1)*operand_bits+:operand_bits];
        chosen_bank = chosen_bank | banks[i*8+:8];
        chosen_group = chosen_group | groups[i*8+:8];
        chosen_row = chosen_row | rows[i*12+:12];
        chosen_reg2_base = chosen_reg2_base | reg2_bases[i*12+:12];
        chosen_slot = chosen_slot | next_slot[i*slot_bits+:slot_bits];
        chosen_empty = chosen_empty || empty[i];
        chosen_ch1 = chosen_ch1 || (is_osrc && unit_is_ch1[i]);
        chosen_vector = chosen_vector || vector_of_item[i];
      end
    end
  end

  assign header = mask_header || header_of != '0;
  assign issue_slot = chosen_slot;
  assign issue_vector = is_osrc && chosen_vector;
  assign clear_group = chosen_group;
  assign clear_vector = chosen_vector;
  assign clear_geometry = chosen_rowop[55:48];
  assign chosen_weight_line = weight_address + 16'(chosen_row) * weight_stride + chosen_rowop[71:56];
  assign weight_lines = is_osrc ? 16'd0
      : (16'(out_count) * 16'(kernel_columns) + 16'(words_per_line - 1)) / 16'(words_per_line);
  assign chosen_set = is_osrc ? chosen_vector : parity;
  assign chosen_reg1_base = is_osrc
      ? (chosen_vector ? reg1_address_bits'(reg1_words) : '0)
      : reg1_address_bits'(chosen_slot) * reg1_address_bits'(kernel_columns);

  always_ff @(posedge clk) begin
    if (reset) busy <= 1'b0;
    else if (mask_header || (header_of != '0 && !chosen_empty)) busy <= 1'b1;
    else if (transfer && bank_last) busy <= 1'b0;

    if (header) begin
      item_is_mask <= mask_header;
      item_is_ch1 <= chosen_ch1;
      item_stream <= header_of;
      item_group <= mask_header ? mask_group : chosen_group;
      item_bank <= mask_header ? mask_bank : chosen_bank;
      item_rowop <= chosen_rowop;
      item_first <= chosen_first[word_bits-1:0];
      item_end <= chosen_end[word_bits-1:0];
      item_slot <= chosen_slot;
      item_vector <= chosen_vector;
      item_operation <= {
        parity, chosen_set, use_mask, is_osrc, is_msrc, reg2_address_bits'(chosen_reg2_base), chosen_reg1_base
      };
      item_weight_line <= chosen_weight_line;
      line_index <= '0;
      if (mask_header) begin
        item_rows_line <= mask_address + 16'(mask_row) * mask_stride;
        lines_of_rows <= mask_lines;
        lines_left <= mask_lines;
      end else begin
        item_rows_line <= chosen_first >> word_bits;
        lines_of_rows <= ((chosen_end - 16'd1) >> word_bits) - (chosen_first >> word_bits) + 16'd1;
        lines_left <= ((chosen_end - 16'd1) >> word_bits) - (chosen_first >> word_bits) + 16'd1
                      + (chosen_ch1 ? 16'd0 : weight_lines);
      end
    end else if (transfer) begin
      line_index <= line_index + 16'd1;
      lines_left <= lines_left - 16'd1;
    end
  end

  // ---- the transfer
  for (genvar b = 0; b < buffer_banks; b++) begin : each_bank
    assign bank_request[b] = busy && item_bank == 8'(b);
  end
  assign transfer = (bank_grant & bank_request) != '0;
  assign bank_last = lines_left == 16'd1;
  assign bank_address = line_address_bits'(is_weights ? item_weight_line + line_index - lines_of_rows
                                                      : item_rows_line + line_index);
  assign is_mask = item_is_mask;
  assign is_ch1 = item_is_ch1;
  assign is_weights = line_index >= lines_of_rows;
  assign first_line = line_index == '0;
  assign stream = item_stream;
  assign group = item_group;
  assign bank = item_bank;
  assign line_number = is_weights ? line_index - lines_of_rows : line_index;
  assign first_word = line_index == '0 ? item_first : '0;
  assign end_word = line_index + 16'd1 == lines_of_rows && item_end != '0
      ? {1'b0, item_end} : (word_bits + 1)'(words_per_line);
  assign row_base = item_is_ch1 ? 8'd0 : item_rowop[31:24];
  assign row_words = item_rowop[39:32];
  assign positions = item_is_ch1 ? item_rowop[95:88] : item_rowop[47:40];
  assign geometry = is_osrc ? item_rowop[55:48] : job_geometry;
  assign slot = item_slot;
  assign vector = item_vector;
  assign operation = item_operation;
endmodule
