// The first macs_per_pe of the pending products, one for each MAC lane, and what is left for the next cycle.
// lanes[i*kernel_columns +: kernel_columns] is the tap of lane i, one-hot; 0 if the lane has no product.
module lane_select #(
    parameter int kernel_columns = 11,
    parameter int macs_per_pe = 1
) (
    input logic [kernel_columns-1:0] pending,
    output logic [macs_per_pe*kernel_columns-1:0] lanes,
    output logic [kernel_columns-1:0] rest
);
  logic [kernel_columns-1:0] left;

  always_comb begin
    left = pending;
    for (int i = 0; i < macs_per_pe; i++) begin
      lanes[i*kernel_columns+:kernel_columns] = left & (~left + 1'b1);
      left = left & (left - 1'b1);
    end
    rest = left;
  end
endmodule
