// The post-processing unit of a PE group. It takes the sums that drain from the PEs, adds earlier ones, finishes
// them, keeps the sum of their magnitudes, and forms the lines of the burst that writes the result: sums, finished
// words, or (masked) the mask and those finished words whose mask bit is 1.
//
// Lane i handles word first_word + i of the result: while draining as it leaves the PEs, in the burst as its line of
// earlier sums arrives. The last of these lines arrives when the first line is written, so what is written passes
// the result register by. Packed words move down in the register, behind the sums still to be finished.
// A line holds at least two sums and result_words is even, so that `lines` fits index_bits.
module ppu #(
    parameter int reg2_words = 64,
    parameter int pes_per_group = 3,
    parameter int ppu_words_per_cycle = 4,
    parameter int operand_bits = 16,
    parameter int sum_bits = 32,
    parameter int line_bits = 128,
    parameter int result_words = reg2_words * pes_per_group,
    parameter int index_bits = $clog2(result_words + 1)
) (
    input logic clk,
    input logic reset,
    input logic seed_load,
    input logic [31:0] seed,
    // the job
    input logic [index_bits-1:0] accumulators,
    input logic read_sums,
    input logic final_result,
    input logic masked,
    input logic relu,
    input logic prune,
    input logic [4:0] shift,
    input logic [operand_bits-1:0] threshold,
    input logic [reg2_words-1:0] mask,
    // the drain of the PEs
    input logic drain,
    input logic [index_bits-1:0] drain_index,
    input logic [ppu_words_per_cycle*sum_bits-1:0] drained,
    // the burst of the write port
    input logic transfer,
    input logic [index_bits-1:0] line_index,
    input logic [line_bits-1:0] sums_line,
    output logic [index_bits-1:0] sums_lines,
    output logic [index_bits-1:0] lines,
    output logic reading,
    output logic [line_bits-1:0] write_line,
    output logic [39:0] abs_sum
);
  localparam int words_per_line = line_bits / operand_bits;
  localparam int sums_per_line = line_bits / sum_bits;
  localparam int lanes = ppu_words_per_cycle > sums_per_line ? ppu_words_per_cycle : sums_per_line;
  localparam int place_bits = $clog2(2 * result_words + words_per_line);
  localparam int address_bits = $clog2(result_words);
  localparam int mask_address_bits = $clog2(reg2_words);
  localparam int mask_image_bits = (reg2_words + operand_bits - 1) / operand_bits * operand_bits;

  logic packed_result, summing, finishing, packing;
  logic [reg2_words-1:0] kept;
  logic [mask_image_bits-1:0] mask_image;
  logic [place_bits-1:0] mask_words, image_words, first_word, packed_place, next_place;
  logic [lanes-1:0] valid, write;
  logic [lanes*place_bits-1:0] places;
  logic [lanes*sum_bits-1:0] values;
  logic [lanes*operand_bits-1:0] magnitudes;
  logic [lanes*32-1:0] next_states;
  logic [31:0] state, next_state;
  logic [39:0] next_abs_sum;
  logic [sum_bits-1:0] words[0:result_words-1];
  logic [place_bits-1:0] write_index;
  logic [line_bits-1:0] word_line, sum_line;

  assign packed_result = final_result && masked;
  assign reading = line_index < sums_lines;
  assign summing = transfer && line_index != '0 && line_index <= sums_lines;
  assign finishing = final_result && (summing || (drain && !read_sums));
  assign packing = finishing && masked;
  assign first_word = summing ? (place_bits'(line_index) - 1'b1) * place_bits'(sums_per_line)
                              : place_bits'(drain_index) * place_bits'(ppu_words_per_cycle);

  assign kept = mask & ~({reg2_words{1'b1}} << accumulators);
  assign mask_image = mask_image_bits'(kept);

  result_size #(
      .reg2_words(reg2_words),
      .operand_bits(operand_bits),
      .sum_bits(sum_bits),
      .line_bits(line_bits),
      .index_bits(index_bits),
      .place_bits(place_bits)
  ) size (
      .accumulators,
      .read_sums,
      .final_result,
      .packed_result,
      .kept,
      .mask_words,
      .words(image_words),
      .sums_lines,
      .lines
  );

  xorshift32 #(
      .steps(lanes)
  ) generator (
      .state,
      .next_states
  );

  for (genvar i = 0; i < lanes; i++) begin : lane
    logic [place_bits-1:0] number;
    logic [sum_bits-1:0] sum, earlier_sum, drained_sum;
    logic [operand_bits-1:0] finished;
    logic in_drain, in_line;

    assign number = first_word + place_bits'(i);
    assign valid[i] = (summing ? in_line : drain && in_drain) && number < place_bits'(accumulators);
    assign sum = summing ? words[address_bits'(number)] + earlier_sum : drained_sum;

    if (i < ppu_words_per_cycle) begin : draining
      assign in_drain = 1'b1;
      assign drained_sum = drained[i*sum_bits+:sum_bits];
    end else begin : not_draining
      assign in_drain = 1'b0;
      assign drained_sum = '0;
    end
    if (i < sums_per_line) begin : adding
      assign in_line = 1'b1;
      assign earlier_sum = sums_line[i*sum_bits+:sum_bits];
    end else begin : not_adding
      assign in_line = 1'b0;
      assign earlier_sum = '0;
    end

    finish #(
        .operand_bits(operand_bits),
        .sum_bits(sum_bits)
    ) arithmetic (
        .sum,
        .shift,
        .relu,
        .prune,
        .threshold,
        .random(next_states[(i+1)*32-operand_bits+:operand_bits]),
        .word(finished),
        .magnitude(magnitudes[i*operand_bits+:operand_bits])
    );

    assign write[i] = valid[i] && (!packing || kept[mask_address_bits'(number)]);
    assign values[i*sum_bits+:sum_bits] = finishing ? sum_bits'(finished) : sum;
  end

  // Packed words follow each other from the bottom of the register.
  always_comb begin
    next_place = first_word == '0 ? '0 : packed_place;
    for (int i = 0; i < lanes; i++) begin
      places[i*place_bits+:place_bits] = packing ? next_place : first_word + place_bits'(i);
      next_place = next_place + place_bits'(write[i]);
    end
  end

  always_comb begin
    next_state = state;
    next_abs_sum = abs_sum;
    for (int i = 0; i < lanes; i++) begin
      if (valid[i] && finishing && prune) next_state = next_states[i*32+:32];
      if (write[i] && finishing) next_abs_sum = next_abs_sum + 40'(magnitudes[i*operand_bits+:operand_bits]);
    end
  end

  always_ff @(posedge clk) begin
    if (reset) state <= 32'd1;
    else state <= seed_load ? seed : next_state;
    if (reset || seed_load) abs_sum <= '0;
    else abs_sum <= next_abs_sum;
    if (drain || summing) packed_place <= next_place;
  end

  always_ff @(posedge clk) begin
    for (int i = 0; i < lanes; i++) begin
      if (write[i])
        words[address_bits'(places[i*place_bits+:place_bits])] <= values[i*sum_bits+:sum_bits];
    end
  end

  // Word k of a line is word image_word of the image of the result: mask words, then words.
  assign write_index = place_bits'(line_index) - place_bits'(sums_lines);
  assign write_line = final_result ? word_line : sum_line;

  for (genvar k = 0; k < words_per_line; k++) begin : line_word
    logic [place_bits-1:0] image_word, place;
    logic [sum_bits-1:0] value;
    logic [operand_bits-1:0] finished;

    assign image_word = write_index * place_bits'(final_result ? words_per_line : sums_per_line)
                        + place_bits'(k);
    assign place = image_word - mask_words;

    always_comb begin
      value = words[address_bits'(place)];
      if (summing) begin
        for (int i = 0; i < sums_per_line; i++) begin
          if (write[i] && places[i*place_bits+:place_bits] == place) value = values[i*sum_bits+:sum_bits];
        end
      end
    end

    assign finished = image_word < mask_words ? mask_image[32'(image_word)*operand_bits+:operand_bits]
                                              : value[operand_bits-1:0];
    assign word_line[k*operand_bits+:operand_bits] = image_word < image_words ? finished : '0;

    if (k < sums_per_line) begin : sum_word
      assign sum_line[k*sum_bits+:sum_bits] = image_word < image_words ? value : '0;
    end else begin : no_sum
      logic unused_half;
      assign unused_half = ^value[sum_bits-1:operand_bits];
    end
  end
endmodule
