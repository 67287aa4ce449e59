// A processing element: row slots, detector, MAC lanes, Reg-1, Reg-2, and the three row operations. Sizes bear the
// names of the machine description; kernel_columns, column_bits and residue_bits bound the layers it can run.
//
// Per cycle: `start` in the first of an operation, `busy` or `reject` while it runs, `done` in its last, which frees
// `slot`. Sums may be drained pipeline_cycles after the last `done` of a job.
// operation = {job, tap_set, use_mask, is_osrc, is_msrc, reg2_base, reg1_base}
// entry = {residue, column, row_base, value}
module pe #(
    parameter int macs_per_pe = 1,
    parameter int row_slots = 2,
    parameter int row_slot_entries = 64,
    parameter int reg1_words = 64,
    parameter int reg2_words = 64,
    parameter int pipeline_cycles = 3,
    parameter int ppu_words_per_cycle = 4,
    parameter int operand_bits = 16,
    parameter int sum_bits = 32,
    parameter int line_bits = 128,
    parameter bit mask_skipping = 1,
    parameter bit input_skipping = 1,
    parameter int kernel_columns = 11,
    parameter int column_bits = 8,
    parameter int residue_bits = 2,
    parameter int drain_bits = 12,
    parameter int words_per_line = line_bits / operand_bits,
    parameter int reg1_address_bits = $clog2(2 * reg1_words),
    parameter int reg2_address_bits = $clog2(reg2_words),
    parameter int entry_bits = operand_bits + reg2_address_bits + column_bits + residue_bits,
    parameter int target_bits = reg1_address_bits > reg2_address_bits ? reg1_address_bits : reg2_address_bits,
    parameter int tap_bits = residue_bits + 2 * column_bits + target_bits,
    parameter int operation_bits = 5 + reg1_address_bits + reg2_address_bits,
    parameter int slot_bits = row_slots > 1 ? $clog2(row_slots) : 1
) (
    input logic clk,
    input logic reset,
    // ch0 rows
    input logic [slot_bits-1:0] fill_slot,
    input logic [$clog2(words_per_line+1)-1:0] fill_count,
    input logic [words_per_line*entry_bits-1:0] fill_entries,
    input logic arrive,
    input logic [operation_bits-1:0] arriving_operation,
    // ch1 and what the detector must know of a row block
    input logic [1:0] reg1_clear,
    input logic [words_per_line-1:0] reg1_valid,
    input logic [words_per_line*reg1_address_bits-1:0] reg1_load_addresses,
    input logic [words_per_line*operand_bits-1:0] reg1_load_words,
    input logic tap_load,
    input logic tap_load_set,
    input logic [kernel_columns*tap_bits-1:0] load_taps,
    // the job: its sums and their mask
    input logic current_job,
    input logic [reg2_words-1:0] sums_mask,
    input logic drain,
    input logic [drain_bits-1:0] drain_address,
    output logic [ppu_words_per_cycle*sum_bits-1:0] drained,
    // status
    output logic [slot_bits-1:0] slot,
    output logic start,
    output logic busy,
    output logic reject,
    output logic done
);
  localparam int entry_index_bits = $clog2(row_slot_entries + 1);

  logic [row_slots-1:0] slot_full;
  logic [entry_index_bits-1:0] index, entries;
  logic [entry_bits-1:0] entry;
  logic [operation_bits-1:0] operation;
  logic job, tap_set, use_mask, is_osrc, is_msrc;
  logic [reg2_address_bits-1:0] reg2_base, row_base;
  logic [reg1_address_bits-1:0] reg1_base;
  logic [residue_bits-1:0] residue;
  logic [column_bits-1:0] column;
  logic [operand_bits-1:0] value;
  logic [kernel_columns*tap_bits-1:0] taps;
  logic [kernel_columns-1:0] useful, pending, rest;
  logic [kernel_columns*reg1_address_bits-1:0] reg1_of_tap;
  logic [kernel_columns*reg2_address_bits-1:0] reg2_of_tap;
  logic [2*reg1_words-1:0] ch1_mask;
  logic [macs_per_pe*kernel_columns-1:0] lanes;
  logic [macs_per_pe*reg1_address_bits-1:0] reg1_addresses;
  logic [macs_per_pe*reg2_address_bits-1:0] reg2_addresses, product_addresses;
  logic [macs_per_pe*operand_bits-1:0] ch1_words;
  logic [macs_per_pe-1:0] product_valid;
  logic [macs_per_pe*2*operand_bits-1:0] products;

  assign {job, tap_set, use_mask, is_osrc, is_msrc, reg2_base, reg1_base} = operation;
  assign {residue, column, row_base, value} = entry;

  slot_store #(
      .row_slots(row_slots),
      .row_slot_entries(row_slot_entries),
      .words_per_line(words_per_line),
      .entry_bits(entry_bits),
      .operation_bits(operation_bits)
  ) slots (
      .clk,
      .reset,
      .fill_slot,
      .fill_count,
      .fill_entries,
      .arrive,
      .arriving_operation,
      .read_slot(slot),
      .read_index(index),
      .free_slot(done),
      .slot_full,
      .entry,
      .entries,
      .operation
  );

  sequencer #(
      .row_slots(row_slots),
      .row_slot_entries(row_slot_entries),
      .kernel_columns(kernel_columns)
  ) control (
      .clk,
      .reset,
      .slot_full,
      .may_run(job == current_job),
      .arrive,
      .fill_slot,
      .entries,
      .useful,
      .rest,
      .slot,
      .index,
      .pending,
      .start,
      .busy,
      .reject,
      .done
  );

  tap_table #(
      .kernel_columns(kernel_columns),
      .tap_bits(tap_bits)
  ) geometry (
      .clk,
      .load(tap_load),
      .load_set(tap_load_set),
      .load_taps,
      .read_set(tap_set),
      .taps
  );

  detector #(
      .kernel_columns(kernel_columns),
      .reg1_words(reg1_words),
      .reg2_words(reg2_words),
      .column_bits(column_bits),
      .residue_bits(residue_bits),
      .mask_skipping(mask_skipping),
      .input_skipping(input_skipping)
  ) detect (
      .row_base,
      .column,
      .residue,
      .taps,
      .is_msrc,
      .is_osrc,
      .use_mask,
      .reg1_base,
      .reg2_base,
      .ch1_mask,
      .sums_mask,
      .useful,
      .reg1_addresses(reg1_of_tap),
      .reg2_addresses(reg2_of_tap)
  );

  lane_select #(
      .kernel_columns(kernel_columns),
      .macs_per_pe(macs_per_pe)
  ) select (
      .pending,
      .lanes,
      .rest
  );

  for (genvar i = 0; i < macs_per_pe; i++) begin : mac
    logic [kernel_columns-1:0] chosen;
    logic [reg1_address_bits-1:0] word_address;
    logic [reg2_address_bits-1:0] sum_address;

    assign chosen = lanes[i*kernel_columns+:kernel_columns];
    assign reg1_addresses[i*reg1_address_bits+:reg1_address_bits] = word_address;
    assign reg2_addresses[i*reg2_address_bits+:reg2_address_bits] = sum_address;

    always_comb begin
      word_address = '0;
      sum_address  = '0;
      for (int k = 0; k < kernel_columns; k++) begin
        if (chosen[k]) begin
          word_address = word_address | reg1_of_tap[k*reg1_address_bits+:reg1_address_bits];
          sum_address  = sum_address | reg2_of_tap[k*reg2_address_bits+:reg2_address_bits];
        end
      end
    end

    mac_lane #(
        .operand_bits(operand_bits),
        .reg2_address_bits(reg2_address_bits),
        .pipeline_cycles(pipeline_cycles)
    ) lane (
        .clk,
        .reset,
        .valid(chosen != '0),
        .ch0(value),
        .ch1(ch1_words[i*operand_bits+:operand_bits]),
        .address(reg2_addresses[i*reg2_address_bits+:reg2_address_bits]),
        .product_valid(product_valid[i]),
        .product(products[i*2*operand_bits+:2*operand_bits]),
        .product_address(product_addresses[i*reg2_address_bits+:reg2_address_bits])
    );
  end

  reg1 #(
      .reg1_words(reg1_words),
      .operand_bits(operand_bits),
      .words_per_line(words_per_line),
      .read_ports(macs_per_pe)
  ) vectors (
      .clk,
      .reset,
      .clear_vector(reg1_clear),
      .load_valid(reg1_valid),
      .load_addresses(reg1_load_addresses),
      .load_words(reg1_load_words),
      .read_addresses(reg1_addresses),
      .read_words(ch1_words),
      .nonzero(ch1_mask)
  );

  reg2 #(
      .reg2_words(reg2_words),
      .sum_bits(sum_bits),
      .operand_bits(operand_bits),
      .macs_per_pe(macs_per_pe),
      .ppu_words_per_cycle(ppu_words_per_cycle),
      .drain_bits(drain_bits)
  ) accumulators (
      .clk,
      .reset,
      .product_valid,
      .products,
      .product_addresses,
      .drain,
      .drain_address,
      .drained
  );
endmodule
