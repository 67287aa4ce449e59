// The row operation after one of a SRC or MSRC job: channel outside, kernel row inside. Combinational.
// operation = {pointer, row, bank, channel, kernel_row}: index of its first row pointer without the offset of the
// kernel row, place of its channel over the banks, number of the channel, number of the kernel row.
module next_operation #(
    parameter int buffer_banks = 4
) (
    input logic [7:0] kernel_rows,
    input logic [15:0] pointer_stride,
    input logic [55:0] operation,
    output logic [55:0] next
);
  logic [15:0] pointer;
  logic [11:0] row, channel;
  logic [7:0] bank, kernel_row;
  logic last_kernel_row, last_bank;

  assign {pointer, row, bank, channel, kernel_row} = operation;
  assign last_kernel_row = kernel_row + 8'd1 == kernel_rows;
  assign last_bank = 32'(bank) == buffer_banks - 1;

  always_comb begin
    next = {pointer, row, bank, channel, kernel_row + 8'd1};
    if (last_kernel_row)
      next = {
        pointer + pointer_stride, last_bank ? row + 12'd1 : row, last_bank ? 8'd0 : bank + 8'd1, channel + 12'd1, 8'd0
      };
  end
endmodule
