// Off-chip memory for the tests, not part of the design: a transfer takes dram_latency_cycles and then a line as
// often as rate_bytes / rate_cycles bytes a cycle allow, at most one a cycle.
module memory_model #(
    parameter int line_bits = 128,
    parameter int memory_lines = 16384
) (
    input logic clk,
    input logic [15:0] dram_latency_cycles,
    input logic [15:0] rate_bytes,
    input logic [15:0] rate_cycles,
    input logic request,
    input logic first,
    input logic store,
    input logic [23:0] line,
    input logic [line_bits-1:0] write_line,
    output logic [line_bits-1:0] read_line,
    output logic ready,
    // the test's own port
    input logic host_write,
    input logic [23:0] host_line,
    input logic [line_bits-1:0] host_write_line,
    output logic [line_bits-1:0] host_read_line
);
  localparam int address_bits = $clog2(memory_lines);

  logic [line_bits-1:0] lines[0:memory_lines-1];
  logic [15:0] latency_left, latency_now;
  logic [31:0] earned, earned_now, price;
  logic unused;

  assign unused = ^{line, host_line};
  assign latency_now = first ? dram_latency_cycles : latency_left;
  assign price = 32'(rate_cycles) * (line_bits / 8);
  assign earned_now = (first ? '0 : earned) + 32'(rate_bytes);
  assign ready = request && latency_now == '0 && earned_now >= price;
  assign read_line = lines[address_bits'(line)];
  assign host_read_line = lines[address_bits'(host_line)];

  always_ff @(posedge clk) begin
    if (request) begin
      latency_left <= latency_now == '0 ? '0 : latency_now - 16'd1;
      earned <= latency_now != '0 ? '0 : ready ? earned_now - price : earned_now;
    end
    if (host_write) lines[address_bits'(host_line)] <= host_write_line;
    else if (ready && store) lines[address_bits'(line)] <= write_line;
  end
endmodule
