// Reg-1: two vectors of reg1_words operand words with a non-zero mask. A word not loaded since its vector was
// cleared reads as 0. Up to words_per_line words are loaded in a cycle, each to a place of its own: kernel rows
// side by side, ch1 rows with their zeros left out.
module reg1 #(
    parameter int reg1_words = 64,
    parameter int operand_bits = 16,
    parameter int words_per_line = 8,
    parameter int read_ports = 1,
    parameter int reg1_address_bits = $clog2(2 * reg1_words)
) (
    input logic clk,
    input logic reset,
    input logic [1:0] clear_vector,
    input logic [words_per_line-1:0] load_valid,
    input logic [words_per_line*reg1_address_bits-1:0] load_addresses,
    input logic [words_per_line*operand_bits-1:0] load_words,
    input logic [read_ports*reg1_address_bits-1:0] read_addresses,
    output logic [read_ports*operand_bits-1:0] read_words,
    output logic [2*reg1_words-1:0] nonzero
);
  logic [operand_bits-1:0] words[0:2*reg1_words-1];

  always_ff @(posedge clk) begin
    for (int lane = 0; lane < words_per_line; lane++) begin
      if (load_valid[lane])
        words[load_addresses[lane*reg1_address_bits+:reg1_address_bits]]
            <= load_words[lane*operand_bits+:operand_bits];
    end
  end

  // A vector may be cleared in the cycle in which its first words are loaded.
  always_ff @(posedge clk) begin
    if (reset || clear_vector[0]) nonzero[0+:reg1_words] <= '0;
    if (reset || clear_vector[1]) nonzero[reg1_words+:reg1_words] <= '0;
    for (int lane = 0; lane < words_per_line; lane++) begin
      if (load_valid[lane] && !reset)
        nonzero[load_addresses[lane*reg1_address_bits+:reg1_address_bits]]
            <= load_words[lane*operand_bits+:operand_bits] != '0;
    end
  end

  for (genvar i = 0; i < read_ports; i++) begin : port
    logic [reg1_address_bits-1:0] address;
    assign address = read_addresses[i*reg1_address_bits+:reg1_address_bits];
    assign read_words[i*operand_bits+:operand_bits] = nonzero[address] ? words[address] : '0;
  end
endmodule
