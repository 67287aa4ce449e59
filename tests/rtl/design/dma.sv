// The DMA: one channel that runs its descriptors in order, a line at a time as fast as the memory goes. A transfer is
// one or more descriptors of which the first is marked; it may not start before `after_tiles` tiles have ended.
// descriptor = {after_tiles, memory_line, lines, line, bank, to_pointers, first, is_store}
module dma #(
    parameter int line_bits = 128,
    parameter int buffer_banks = 4,
    parameter int line_address_bits = 8
) (
    input logic clk,
    input logic reset,
    input logic run,
    input logic [15:0] descriptors,
    input logic [11:0] tiles_ended,
    output logic [15:0] done,
    output logic [15:0] descriptor_number,
    input logic [78:0] descriptor,
    input logic [78:0] next_descriptor,
    // off-chip memory: a line goes over in the cycles of `ready`
    output logic request,
    output logic first,
    output logic is_store,
    output logic [23:0] memory_line,
    output logic [line_bits-1:0] memory_write_line,
    input logic ready,
    // buffer and row pointers; what is read was addressed in the cycle before
    output logic [buffer_banks-1:0] bank_write,
    output logic [line_address_bits-1:0] bank_address,
    output logic pointer_write,
    output logic [15:0] pointer_line,
    input logic [buffer_banks*line_bits-1:0] bank_read_lines
);
  logic [11:0] after_tiles;
  logic [23:0] first_memory_line;
  logic [15:0] lines, first_line, index, next_index;
  logic [7:0] bank;
  logic unused;
  logic to_pointers, is_first, in_transfer, ends;

  assign {after_tiles, first_memory_line, lines, first_line, bank, to_pointers, is_first, is_store} = descriptor;
  assign unused = ^next_descriptor;
  assign descriptor_number = done;

  assign request = run && done != descriptors && (in_transfer || tiles_ended >= after_tiles);
  assign first = request && !in_transfer && is_first;
  assign ends = request && ready && index + 16'd1 == lines;
  assign memory_line = first_memory_line + 24'(index);
  assign next_index = request && ready ? index + 16'd1 : index;

  // Of a store the next line is addressed in the cycle in which this one goes over; before the first one stands
  // the latency of the memory, at least a cycle.
  assign bank_address = line_address_bits'(is_store && ends ? next_descriptor[26:11]
                                                            : first_line + (is_store ? next_index : index));
  assign pointer_line = first_line + index;
  assign pointer_write = request && ready && !is_store && to_pointers;

  for (genvar b = 0; b < buffer_banks; b++) begin : each_bank
    assign bank_write[b] = request && ready && !is_store && !to_pointers && bank == 8'(b);
  end

  always_comb begin
    memory_write_line = '0;
    for (int i = 0; i < buffer_banks; i++) begin
      if (bank == 8'(i)) memory_write_line = memory_write_line | bank_read_lines[i*line_bits+:line_bits];
    end
  end

  always_ff @(posedge clk) begin
    if (reset) begin
      done <= '0;
      index <= '0;
      in_transfer <= 1'b0;
    end else begin
      if (ends) done <= done + 16'd1;
      index <= ends ? '0 : next_index;
      in_transfer <= request && !ends;
    end
  end
endmodule
