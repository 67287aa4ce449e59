// The items of one unit of an OSRC job, in the order of its stream: the first row block is loaded, one ch1 item per
// active group; then the operations of a block, one per ch0 channel, and the ch1 items of the next block take turns,
// operation first; what is left of either follows. The unit is given with `load`, the cycle before its dispatch.
// unit = a word of the unit table without drain_start: {pointer_stride, pointer_base, row, bank, channels, blocks, rowop}
module unit_items #(
    parameter int buffer_banks = 4
) (
    input logic clk,
    input logic reset,
    input logic load,
    input logic load_valid,
    input logic [87:0] load_unit,
    input logic [7:0] load_groups,
    input logic [7:0] load_group_bank,
    input logic [11:0] load_group_row,
    input logic [15:0] load_ch1_pointer_base,
    input logic [15:0] load_ch1_pointer_stride,
    input logic [3:0] kernel_columns,
    input logic advance,
    output logic valid,
    output logic is_ch1,
    output logic next_block_begun,
    output logic [11:0] rowop,
    output logic [15:0] pointer,
    output logic [7:0] bank,
    output logic [11:0] row,
    output logic [7:0] group,
    output logic [11:0] reg2_base
);
  logic [11:0] rowop_start, blocks, channels, channel_row, block, channel;
  logic [7:0] channel_bank, groups, group_bank;
  logic [15:0] pointer_base, pointer_stride, ch1_pointer_base, ch1_pointer_stride;
  logic [11:0] group_row;
  logic operations_left, loads_left, is_operation, block_ends, operation_ends, load_ends;
  // Where the next operation's channel and the next group's ch1 rows are.
  logic [15:0] operation_pointer, ch1_pointer;
  logic [11:0] operation_row, ch1_row;
  logic [7:0] operation_bank, ch1_bank;

  assign operations_left = block != '0 && block <= blocks && channel < channels;
  assign loads_left = block < blocks && group < groups;
  assign is_operation = operations_left && (!loads_left || channel <= 12'(group));
  assign operation_ends = !operations_left || (is_operation && channel + 12'd1 == channels);
  assign load_ends = !loads_left || (!is_operation && group + 8'd1 == groups);
  assign block_ends = operation_ends && load_ends;

  assign valid = operations_left || loads_left;
  assign is_ch1 = !is_operation;
  assign next_block_begun = group != '0;
  assign rowop = rowop_start + (is_operation ? block - 12'd1 : block);
  assign pointer = is_operation ? operation_pointer : ch1_pointer;
  assign bank = is_operation ? operation_bank : ch1_bank;
  assign row = is_operation ? operation_row : ch1_row;

  always_ff @(posedge clk) begin
    if (load) begin
      {pointer_stride, pointer_base, channel_row, channel_bank, channels, blocks, rowop_start} <= load_unit;
      {groups, group_bank, group_row} <= {load_groups, load_group_bank, load_group_row};
      {ch1_pointer_base, ch1_pointer_stride} <= {load_ch1_pointer_base, load_ch1_pointer_stride};
    end
    if (reset || (load && !load_valid)) blocks <= '0;
  end

  always_ff @(posedge clk) begin
    if (reset || load || (advance && block_ends)) begin
      channel <= '0;
      group <= '0;
      reg2_base <= '0;
      if (load) begin
        block <= '0;
        {operation_pointer, operation_row, operation_bank} <= load_unit[71:36];
        {ch1_pointer, ch1_row, ch1_bank} <= {load_ch1_pointer_base, load_group_row, load_group_bank};
      end else begin
        block <= reset ? '0 : block + 12'd1;
        {operation_pointer, operation_row, operation_bank} <= {pointer_base, channel_row, channel_bank};
        {ch1_pointer, ch1_row, ch1_bank} <= {ch1_pointer_base, group_row, group_bank};
      end
    end else if (advance && is_operation) begin
      channel <= channel + 12'd1;
      reg2_base <= reg2_base + 12'(kernel_columns);
      operation_pointer <= operation_pointer + pointer_stride;
      operation_bank <= 32'(operation_bank) == buffer_banks - 1 ? '0 : operation_bank + 8'd1;
      if (32'(operation_bank) == buffer_banks - 1) operation_row <= operation_row + 12'd1;
    end else if (advance) begin
      group <= group + 8'd1;
      ch1_pointer <= ch1_pointer + ch1_pointer_stride;
      ch1_bank <= 32'(ch1_bank) == buffer_banks - 1 ? '0 : ch1_bank + 8'd1;
      if (32'(ch1_bank) == buffer_banks - 1) ch1_row <= ch1_row + 12'd1;
    end
  end
endmodule
