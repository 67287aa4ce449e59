// Arbiter: who has asked longest, the lowest in a tie. One matrix of ages, no chain of priorities over cycles.
// `served` says that a request is over with this cycle; if it stands in the next one too, it is a new one.
module oldest_first #(
    parameter int requesters = 2
) (
    input logic clk,
    input logic reset,
    input logic [requesters-1:0] request,
    input logic [requesters-1:0] served,
    output logic [requesters-1:0] oldest
);
  logic [requesters-1:0] waited;
  // Row i: whom i asked before, among those who waited.
  logic [requesters*requesters-1:0] noted, earlier;

  for (genvar i = 0; i < requesters; i++) begin : one
    logic [requesters-1:0] overtaken;

    for (genvar j = 0; j < requesters; j++) begin : other
      assign earlier[i*requesters+j] = waited[i] ? !waited[j] || noted[i*requesters+j] : !waited[j] && i < j;
      assign overtaken[j] = i != j && request[j] && earlier[j*requesters+i];
    end
    assign oldest[i] = request[i] && overtaken == '0;
  end

  always_ff @(posedge clk) begin
    noted  <= earlier;
    waited <= reset ? '0 : request & ~served;
  end
endmodule
