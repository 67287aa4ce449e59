// Turns the lines of stored rows into non-zero values with their positions, up to a line of words a cycle, and the
// kernel rows behind them into words for the groups. A stored row is its bit mask (positions / operand_bits words)
// and its values, or all its words (dense); rows follow each other at any word. Combinational but for what is open
// at the end of a line.
module line_reader #(
    parameter int words_per_line = 8,
    parameter int operand_bits = 16,
    parameter int most_positions = 64,
    parameter int word_bits = $clog2(words_per_line),
    parameter int mask_words = (most_positions + operand_bits - 1) / operand_bits,
    parameter int mask_bits = mask_words * operand_bits
) (
    input logic clk,
    input logic valid,
    input logic first_line,
    input logic dense,
    input logic is_weights,
    input logic first_weights,
    input logic [word_bits-1:0] first_word,
    input logic [word_bits:0] end_word,
    input logic [7:0] row_base,
    input logic [7:0] row_words,
    input logic [7:0] positions,
    input logic [3:0] kernel_columns,
    input logic [words_per_line*operand_bits-1:0] line,
    // values found in the line, in order
    output logic [word_bits:0] count,
    output logic [words_per_line*operand_bits-1:0] values,
    output logic [words_per_line*8-1:0] value_positions,
    output logic [words_per_line*8-1:0] value_rows,
    // words of kernel rows: which group and tap
    output logic [words_per_line*8-1:0] weight_groups,
    output logic [words_per_line*4-1:0] weight_taps
);
  // Open at the end of a line: a mask half read, or positions of a row whose values are still to come.
  logic [mask_bits-1:0] bits, bits_before;
  logic [7:0] words_of_mask, words_of_mask_before, position, position_before, base, base_before, row_mask_words;
  logic [7:0] weight_group, weight_group_before;
  logic [3:0] tap, tap_before;
  logic [mask_bits-1:0] lowest;
  logic [operand_bits-1:0] word;

  assign row_mask_words = 8'((32'(positions) + operand_bits - 1) / operand_bits);

  always_comb begin
    bits = first_line ? '0 : bits_before;
    words_of_mask = first_line ? '0 : words_of_mask_before;
    position = first_line ? '0 : position_before;
    base = first_line ? row_base : base_before;
    count = '0;
    values = '0;
    value_positions = '0;
    value_rows = '0;
    lowest = '0;
    word = '0;
    for (int w = 0; w < words_per_line; w++) begin
      word = line[w*operand_bits+:operand_bits];
      if (w >= 32'(first_word) && w < 32'(end_word) && !is_weights) begin
        if (!dense && words_of_mask < row_mask_words) begin
          bits = bits | (mask_bits'(word) << (32'(words_of_mask) * operand_bits));
          words_of_mask = words_of_mask + 8'd1;
        end else begin
          if (!dense) begin
            lowest = bits & (~bits + 1'b1);
            bits   = bits & ~lowest;
            position = '0;
            for (int i = 0; i < mask_bits; i++) if (lowest[i]) position = 8'(i);
          end
          values[32'(count)*operand_bits+:operand_bits] = word;
          value_positions[32'(count)*8+:8] = position;
          value_rows[32'(count)*8+:8] = base;
          count = count + 1'b1;
          position = position + 8'd1;
        end
        // The next row begins.
        if (dense ? position == positions : words_of_mask == row_mask_words && bits == '0) begin
          words_of_mask = '0;
          position = '0;
          base = base + row_words;
        end
      end
    end
  end

  always_comb begin
    weight_group = first_weights ? '0 : weight_group_before;
    tap = first_weights ? '0 : tap_before;
    for (int w = 0; w < words_per_line; w++) begin
      weight_groups[w*8+:8] = weight_group;
      weight_taps[w*4+:4] = tap;
      weight_group = tap + 4'd1 == kernel_columns ? weight_group + 8'd1 : weight_group;
      tap = tap + 4'd1 == kernel_columns ? '0 : tap + 4'd1;
    end
  end

  always_ff @(posedge clk) begin
    if (valid && !is_weights) begin
      bits_before <= bits;
      words_of_mask_before <= words_of_mask;
      position_before <= position;
      base_before <= base;
    end
    if (valid && is_weights) begin
      weight_group_before <= weight_group;
      tap_before <= tap;
    end
  end
endmodule
