// One sum becomes an operand word: shift, saturation, ReLU, stochastic pruning. A magnitude below the threshold
// becomes the threshold if it exceeds the random fraction of it, and 0 if not, so that its mean stays.
// `magnitude` is that of the word before pruning.
module finish #(
    parameter int operand_bits = 16,
    parameter int sum_bits = 32
) (
    input logic [sum_bits-1:0] sum,
    input logic [4:0] shift,
    input logic relu,
    input logic prune,
    input logic [operand_bits-1:0] threshold,
    input logic [operand_bits-1:0] random,
    output logic [operand_bits-1:0] word,
    output logic [operand_bits-1:0] magnitude
);
  localparam logic signed [sum_bits-1:0] largest = (1 << (operand_bits - 1)) - 1;
  localparam logic signed [sum_bits-1:0] smallest = -(1 << (operand_bits - 1));
  localparam logic [operand_bits-1:0] largest_word = operand_bits'(largest);
  localparam logic [operand_bits-1:0] smallest_word = operand_bits'(smallest);

  logic signed [sum_bits-1:0] shifted;
  logic [operand_bits-1:0] low, whole, kept_magnitude;
  logic [2*operand_bits-1:0] bar;
  logic negative;

  assign shifted = $signed(sum) >>> shift;
  assign low = shifted[operand_bits-1:0];
  assign negative = shifted < 0;
  assign bar = random * threshold;
  // The threshold itself may be larger than any word.
  assign kept_magnitude = threshold > largest_word ? largest_word : threshold;
  assign magnitude = whole[operand_bits-1] ? -whole : whole;

  always_comb begin
    if (relu && negative) whole = '0;
    else if (shifted > largest) whole = largest_word;
    else if (shifted < smallest) whole = smallest_word;
    else whole = low;
  end

  always_comb begin
    if (!prune || magnitude >= threshold) word = whole;
    else if ({magnitude, operand_bits'(0)} > bar) word = negative ? -kept_magnitude : kept_magnitude;
    else word = '0;
  end
endmodule
