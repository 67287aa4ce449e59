// A table of the program: written by the host before a layer, read without a clock by `reads` readers.
module program_table #(
    parameter int words = 64,
    parameter int word_bits = 32,
    parameter int reads = 1,
    parameter int address_bits = $clog2(words)
) (
    input logic clk,
    input logic write,
    input logic [address_bits-1:0] write_address,
    input logic [word_bits-1:0] write_word,
    input logic [reads*address_bits-1:0] read_addresses,
    output logic [reads*word_bits-1:0] read_words
);
  logic [word_bits-1:0] stored[0:words-1];

  always_ff @(posedge clk) if (write) stored[write_address] <= write_word;

  for (genvar i = 0; i < reads; i++) begin : port
    assign read_words[i*word_bits+:word_bits] = stored[read_addresses[i*address_bits+:address_bits]];
  end
endmodule
