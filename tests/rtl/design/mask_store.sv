// The masks of a group's sums: of the current job and, being fetched, of the next; jobs take turns.
module mask_store #(
    parameter int reg2_words = 64,
    parameter int line_bits = 128
) (
    input logic clk,
    input logic load,
    input logic load_job,
    input logic [15:0] load_line_number,
    input logic [line_bits-1:0] load_line,
    output logic [2*reg2_words-1:0] masks
);
  for (genvar w = 0; w < 2 * reg2_words; w++) begin : mask_bit
    localparam int place = w % reg2_words;
    always_ff @(posedge clk) begin
      if (load && load_job == 1'(w / reg2_words) && 32'(load_line_number) == place / line_bits)
        masks[w] <= load_line[place%line_bits];
    end
  end
endmodule
