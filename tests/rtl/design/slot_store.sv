// The row slots of a PE: entries of row_slots ch0 rows. Which slot a row takes is the stream's choice. Up to words_per_line entries
// (a power of two) come in a cycle, in order; they go to banks in rotation, so that each bank writes one.
// `arrive` marks a row as complete and brings its operation; it may come with the last entries or after them.
module slot_store #(
    parameter int row_slots = 2,
    parameter int row_slot_entries = 64,
    parameter int words_per_line = 8,
    parameter int entry_bits = 32,
    parameter int operation_bits = 18,
    parameter int slot_bits = row_slots > 1 ? $clog2(row_slots) : 1,
    parameter int entry_index_bits = $clog2(row_slot_entries + 1)
) (
    input logic clk,
    input logic reset,
    input logic [slot_bits-1:0] fill_slot,
    input logic [$clog2(words_per_line+1)-1:0] fill_count,
    input logic [words_per_line*entry_bits-1:0] fill_entries,
    input logic arrive,
    input logic [operation_bits-1:0] arriving_operation,
    input logic [slot_bits-1:0] read_slot,
    input logic [entry_index_bits-1:0] read_index,
    input logic free_slot,
    output logic [row_slots-1:0] slot_full,
    output logic [entry_bits-1:0] entry,
    output logic [entry_index_bits-1:0] entries,
    output logic [operation_bits-1:0] operation
);
  localparam int bank_rows = (row_slot_entries + words_per_line - 1) / words_per_line;
  localparam int row_bits = $clog2(row_slots * bank_rows) > 0 ? $clog2(row_slots * bank_rows) : 1;

  logic [entry_index_bits-1:0] fill_index, fill_next;
  logic [row_slots*entry_index_bits-1:0] slot_entries;
  logic [row_slots*operation_bits-1:0] slot_operation;
  logic [words_per_line*entry_bits-1:0] read_entries;

  assign fill_next = fill_index + entry_index_bits'(fill_count);
  assign entries = slot_entries[32'(read_slot)*entry_index_bits+:entry_index_bits];
  assign operation = slot_operation[32'(read_slot)*operation_bits+:operation_bits];
  assign entry = read_entries[(32'(read_index)%words_per_line)*entry_bits+:entry_bits];

  for (genvar b = 0; b < words_per_line; b++) begin : bank
    logic [entry_bits-1:0] rows[0:row_slots*bank_rows-1];
    logic [31:0] lane;
    logic [row_bits-1:0] write_row, read_row;

    assign lane = (b - 32'(fill_index)) % words_per_line;
    assign write_row = row_bits'(32'(fill_slot) * bank_rows + (32'(fill_index) + lane) / words_per_line);
    assign read_row = row_bits'(32'(read_slot) * bank_rows + 32'(read_index) / words_per_line);
    assign read_entries[b*entry_bits+:entry_bits] = rows[read_row];

    always_ff @(posedge clk) begin
      if (lane < 32'(fill_count)) rows[write_row] <= fill_entries[lane*entry_bits+:entry_bits];
    end
  end

  for (genvar s = 0; s < row_slots; s++) begin : slot
    logic arrives, leaves;
    assign arrives = arrive && fill_slot == slot_bits'(s);
    assign leaves  = free_slot && read_slot == slot_bits'(s);

    always_ff @(posedge clk) begin
      if (reset || leaves) slot_full[s] <= 1'b0;
      else if (arrives) slot_full[s] <= 1'b1;
      if (arrives) begin
        slot_entries[s*entry_index_bits+:entry_index_bits] <= fill_next;
        slot_operation[s*operation_bits+:operation_bits] <= arriving_operation;
      end
    end
  end

  always_ff @(posedge clk) begin
    if (reset || arrive) fill_index <= '0;
    else fill_index <= fill_next;
  end
endmodule
