// Buffer to PEs: the line that a bank reads in cycle t reaches the PEs in cycle t + read_latency_cycles, with what
// must be known of its item. The first of these cycles is the memory's own.
module line_pipeline #(
    parameter int buffer_banks = 4,
    parameter int line_bits = 128,
    parameter int tag_bits = 32,
    parameter int read_latency_cycles = 2
) (
    input logic clk,
    input logic reset,
    input logic transfer,
    input logic [7:0] bank,
    input logic [tag_bits-1:0] tag,
    input logic [buffer_banks*line_bits-1:0] read_lines,
    output logic valid,
    output logic [tag_bits-1:0] valid_tag,
    output logic [line_bits-1:0] line
);
  logic read;
  logic [7:0] read_bank;
  logic [tag_bits-1:0] read_tag;
  logic [line_bits-1:0] read_line;

  always_ff @(posedge clk) begin
    read <= transfer && !reset;
    read_bank <= bank;
    read_tag <= tag;
  end

  always_comb begin
    read_line = '0;
    for (int i = 0; i < buffer_banks; i++) begin
      if (read_bank == 8'(i)) read_line = read_line | read_lines[i*line_bits+:line_bits];
    end
  end

  if (read_latency_cycles == 1) begin : memory_only
    assign valid = read;
    assign valid_tag = read_tag;
    assign line = read_line;
  end else begin : stages
    localparam int more = read_latency_cycles - 1;
    logic [more-1:0] valids;
    logic [more*(tag_bits+line_bits)-1:0] held;

    for (genvar i = 0; i < more; i++) begin : stage
      always_ff @(posedge clk) begin
        valids[i] <= !reset && (i == 0 ? read : valids[i==0?0:i-1]);
        held[i*(tag_bits+line_bits)+:tag_bits+line_bits] <=
            i == 0 ? {read_tag, read_line} : held[(i==0?0:i-1)*(tag_bits+line_bits)+:tag_bits+line_bits];
      end
    end
    assign valid = valids[more-1];
    assign {valid_tag, line} = held[(more-1)*(tag_bits+line_bits)+:tag_bits+line_bits];
  end
endmodule
