// The write port of a cluster: the PPU that has waited longest goes first, the lowest group in a tie. Its burst
// stands at the bank in the cycle in which the port takes it; the PPU is free after the last line.
module write_port #(
    parameter int groups_per_cluster = 2,
    parameter int buffer_banks = 4,
    parameter int line_bits = 128,
    parameter int line_address_bits = 8
) (
    input logic clk,
    input logic reset,
    // of every group: a result waits, its bank and lines (see ppu)
    input logic [groups_per_cluster-1:0] request,
    input logic [groups_per_cluster*8-1:0] banks,
    input logic [groups_per_cluster*16-1:0] sums_addresses,
    input logic [groups_per_cluster*16-1:0] result_addresses,
    input logic [groups_per_cluster*16-1:0] sums_lines,
    input logic [groups_per_cluster*16-1:0] lines,
    input logic [groups_per_cluster*line_bits-1:0] write_lines,
    output logic [groups_per_cluster-1:0] transfer,
    output logic [groups_per_cluster-1:0] written,
    output logic [15:0] line_index,
    // the banks
    output logic [buffer_banks-1:0] bank_request,
    output logic bank_last,
    output logic bank_write,
    output logic [line_address_bits-1:0] bank_address,
    output logic [line_bits-1:0] bank_write_line,
    input logic [buffer_banks-1:0] bank_grant,
    // the bank that is read or written, for what it read
    output logic [7:0] bank
);
  logic [groups_per_cluster-1:0] serving, oldest, chosen;
  logic [15:0] sums_address, result_address, of_sums, of_all;
  logic granted;

  oldest_first #(
      .requesters(groups_per_cluster)
  ) arbiter (
      .clk,
      .reset,
      .request,
      .served(chosen),
      .oldest
  );

  assign chosen = serving != '0 ? serving : oldest;

  always_comb begin
    bank = '0;
    sums_address = '0;
    result_address = '0;
    of_sums = '0;
    of_all = '0;
    for (int i = 0; i < groups_per_cluster; i++) begin
      if (chosen[i]) begin
        bank = bank | banks[i*8+:8];
        sums_address = sums_address | sums_addresses[i*16+:16];
        result_address = result_address | result_addresses[i*16+:16];
        of_sums = of_sums | sums_lines[i*16+:16];
        of_all = of_all | lines[i*16+:16];
      end
    end
  end

  // Apart: what is written depends on what this bank has just read.
  always_comb begin
    bank_write_line = '0;
    for (int i = 0; i < groups_per_cluster; i++) begin
      if (chosen[i]) bank_write_line = bank_write_line | write_lines[i*line_bits+:line_bits];
    end
  end

  for (genvar b = 0; b < buffer_banks; b++) begin : each_bank
    assign bank_request[b] = chosen != '0 && bank == 8'(b);
  end
  assign granted = (bank_request & bank_grant) != '0;
  assign bank_last = line_index + 16'd1 == of_all;
  assign bank_write = line_index >= of_sums;
  assign bank_address = line_address_bits'(bank_write ? result_address + line_index - of_sums
                                                      : sums_address + line_index);
  assign transfer = granted ? chosen : '0;
  assign written = granted && bank_last ? chosen : '0;

  always_ff @(posedge clk) begin
    serving <= reset || (granted && bank_last) ? '0 : chosen;
    if (reset || (granted && bank_last)) line_index <= '0;
    else if (granted) line_index <= line_index + 16'd1;
  end
endmodule
