// A bank of the global buffer: one burst at a time, who asked first goes first (in the same cycle fetch ports
// before write ports, lower cluster first: the order of the requesters). A port keeps its request up until the cycle
// of its last line. What is read stands at read_line in the next cycle. The DMA has a port of its own.
module bank #(
    parameter int clusters = 1,
    parameter int bank_lines = 256,
    parameter int line_bits = 128,
    parameter int line_address_bits = $clog2(bank_lines)
) (
    input logic clk,
    input logic reset,
    // requesters: the fetch ports of all clusters, then their write ports
    input logic [2*clusters-1:0] request,
    input logic [2*clusters-1:0] last,
    input logic [2*clusters*line_address_bits-1:0] addresses,
    input logic [clusters-1:0] write,
    input logic [clusters*line_bits-1:0] write_lines,
    output logic [2*clusters-1:0] grant,
    output logic [line_bits-1:0] read_line,
    input logic dma_write,
    input logic [line_address_bits-1:0] dma_address,
    input logic [line_bits-1:0] dma_write_line,
    output logic [line_bits-1:0] dma_read_line
);
  localparam int ports = 2 * clusters;

  logic [line_bits-1:0] lines[0:bank_lines-1];
  logic [ports-1:0] holder, oldest;
  logic [line_address_bits-1:0] address;
  logic [line_bits-1:0] line;
  logic writes;

  oldest_first #(
      .requesters(ports)
  ) arbiter (
      .clk,
      .reset,
      .request,
      .served(grant & last),
      .oldest
  );

  assign grant = holder != '0 ? holder : oldest;

  always_comb begin
    address = '0;
    line = '0;
    writes = 1'b0;
    for (int i = 0; i < ports; i++) begin
      if (grant[i]) address = address | addresses[i*line_address_bits+:line_address_bits];
    end
    for (int i = 0; i < clusters; i++) begin
      if (grant[clusters+i]) begin
        line = line | write_lines[i*line_bits+:line_bits];
        writes = writes || write[i];
      end
    end
  end

  always_ff @(posedge clk) begin
    holder <= reset ? '0 : grant & ~last;
    if (writes) lines[address] <= line;
    else read_line <= lines[address];
  end

  always_ff @(posedge clk) begin
    if (dma_write) lines[dma_address] <= dma_write_line;
    dma_read_line <= lines[dma_address];
  end
endmodule
