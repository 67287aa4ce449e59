// Two sets of taps, loaded in turn like the vectors of Reg-1: what the detector must know of a row block. One tap:
// residue, end, first, offset (see detector).
module tap_table #(
    parameter int kernel_columns = 11,
    parameter int tap_bits = 26
) (
    input logic clk,
    input logic load,
    input logic load_set,
    input logic [kernel_columns*tap_bits-1:0] load_taps,
    input logic read_set,
    output logic [kernel_columns*tap_bits-1:0] taps
);
  logic [kernel_columns*tap_bits-1:0] set0, set1;

  assign taps = read_set ? set1 : set0;

  always_ff @(posedge clk) begin
    if (load && !load_set) set0 <= load_taps;
    if (load && load_set) set1 <= load_taps;
  end
endmodule
