// The next states of Marsaglia's xorshift32 with the shifts 13, 17, 5, the first at the bottom. Each step is linear
// over GF(2), so that any number of them is one level of XOR trees.
module xorshift32 #(
    parameter int steps = 4
) (
    input logic [31:0] state,
    output logic [steps*32-1:0] next_states
);
  logic [31:0] current;

  always_comb begin
    current = state;
    for (int i = 0; i < steps; i++) begin
      current = current ^ (current << 13);
      current = current ^ (current >> 17);
      current = current ^ (current << 5);
      next_states[i*32+:32] = current;
    end
  end
endmodule
