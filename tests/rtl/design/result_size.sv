// Lines of the burst that writes a result, and how many operand words its packed form has. `kept` are the ones of
// the mask that belong to the result. line_bits is a power of two of at least two sums.
module result_size #(
    parameter int reg2_words = 64,
    parameter int operand_bits = 16,
    parameter int sum_bits = 32,
    parameter int line_bits = 128,
    parameter int index_bits = 8,
    parameter int place_bits = 9
) (
    input logic [index_bits-1:0] accumulators,
    input logic read_sums,
    input logic final_result,
    input logic packed_result,
    input logic [reg2_words-1:0] kept,
    output logic [place_bits-1:0] mask_words,
    output logic [place_bits-1:0] words,
    output logic [index_bits-1:0] sums_lines,
    output logic [index_bits-1:0] lines
);
  localparam int words_per_line = line_bits / operand_bits;
  localparam int sums_per_line = line_bits / sum_bits;

  logic [place_bits-1:0] sums, ones;
  logic [index_bits-1:0] lines_of_sums, lines_of_words;

  always_comb begin
    ones = '0;
    for (int w = 0; w < reg2_words; w++) ones = ones + place_bits'(kept[w]);
  end

  assign sums = place_bits'(accumulators);
  assign mask_words = packed_result ? (sums + place_bits'(operand_bits - 1)) >> $clog2(operand_bits) : '0;
  assign words = packed_result ? mask_words + ones : sums;
  assign lines_of_sums = index_bits'((sums + place_bits'(sums_per_line - 1)) >> $clog2(sums_per_line));
  assign lines_of_words = index_bits'((words + place_bits'(words_per_line - 1)) >> $clog2(words_per_line));
  assign sums_lines = read_sums ? lines_of_sums : '0;
  assign lines = sums_lines + (final_result ? lines_of_words : lines_of_sums);
endmodule
