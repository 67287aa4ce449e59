// One multiplier with its pipeline. Operands taken in cycle t leave as a product that Reg-2 adds in cycle
// t + pipeline_cycles, so that the sum stands there from t + 1 + pipeline_cycles on.
module mac_lane #(
    parameter int operand_bits = 16,
    parameter int reg2_address_bits = 6,
    parameter int pipeline_cycles = 3
) (
    input logic clk,
    input logic reset,
    input logic valid,
    input logic [operand_bits-1:0] ch0,
    input logic [operand_bits-1:0] ch1,
    input logic [reg2_address_bits-1:0] address,
    output logic product_valid,
    output logic [2*operand_bits-1:0] product,
    output logic [reg2_address_bits-1:0] product_address
);
  localparam int stage_bits = reg2_address_bits + 2 * operand_bits;

  logic signed [operand_bits-1:0] left, right;
  logic signed [2*operand_bits-1:0] multiplied;
  logic [reg2_address_bits-1:0] address_of_operands;
  logic first_valid, last_valid;
  logic [stage_bits-1:0] last_stage;

  assign multiplied = left * right;
  always_ff @(posedge clk) begin
    first_valid <= valid && !reset;
    left <= ch0;
    right <= ch1;
    address_of_operands <= address;
  end

  // What lies between the multiplier and Reg-2 is a delay that synthesis may spread over both.
  if (pipeline_cycles == 1) begin : no_delay
    assign last_valid = first_valid;
    assign last_stage = {address_of_operands, multiplied};
  end else begin : delay
    logic [pipeline_cycles-1:0] valids;
    logic [pipeline_cycles*stage_bits-1:0] stages;

    assign valids[0] = first_valid;
    assign stages[0+:stage_bits] = {address_of_operands, multiplied};
    assign last_valid = valids[pipeline_cycles-1];
    assign last_stage = stages[(pipeline_cycles-1)*stage_bits+:stage_bits];

    for (genvar i = 1; i < pipeline_cycles; i++) begin : stage
      logic held_valid;
      logic [stage_bits-1:0] held;

      assign valids[i] = held_valid;
      assign stages[i*stage_bits+:stage_bits] = held;
      always_ff @(posedge clk) begin
        held_valid <= valids[i-1] && !reset;
        held <= stages[(i-1)*stage_bits+:stage_bits];
      end
    end
  end

  assign product_valid = last_valid;
  assign {product_address, product} = last_stage;
endmodule
