// Row pointers of a cluster: where in its bank each stored row begins. The DMA writes a line of them a cycle. Every
// stream reads the two that bound its next item without a clock: whether a row is empty decides in the cycle in
// which the item is handed out whether it needs a slot.
module pointer_table #(
    parameter int pointer_words = 1024,
    parameter int operand_bits = 16,
    parameter int words_per_line = 8,
    parameter int reads = 2,
    parameter int address_bits = $clog2(pointer_words),
    parameter int line_address_bits = $clog2(pointer_words / words_per_line)
) (
    input logic clk,
    input logic write,
    input logic [line_address_bits-1:0] write_line_address,
    input logic [words_per_line*operand_bits-1:0] write_line,
    input logic [reads*address_bits-1:0] read_addresses,
    output logic [reads*operand_bits-1:0] read_pointers
);
  localparam int word_bits = $clog2(words_per_line);

  logic [words_per_line*operand_bits-1:0] lines[0:pointer_words/words_per_line-1];

  always_ff @(posedge clk) if (write) lines[write_line_address] <= write_line;

  for (genvar i = 0; i < reads; i++) begin : port
    logic [address_bits-1:0] address;
    logic [words_per_line*operand_bits-1:0] line;

    assign address = read_addresses[i*address_bits+:address_bits];
    assign line = lines[address[address_bits-1:word_bits]];
    assign read_pointers[i*operand_bits+:operand_bits] =
        line[32'(address[word_bits-1:0])*operand_bits+:operand_bits];
  end
endmodule
