// The controller: hands out the jobs of a tile, one dispatch at a time. Requests are served first come first served,
// the lowest cluster first in a tie; which job a request gets is settled when it is made. dynamic: the next job of the
// tile; static: job k of the tile belongs to cluster k mod clusters.
module controller #(
    parameter int clusters = 1,
    parameter int cluster_bits = clusters > 1 ? $clog2(clusters) : 1
) (
    input logic clk,
    input logic reset,
    input logic job_handout_dynamic,
    input logic [7:0] dispatch_cycles,
    // the tile: it begins in the cycle of `begins`, and runs in those of `active`
    input logic begins,
    input logic active,
    input logic [15:0] job_start,
    input logic [15:0] job_end,
    output logic none_left,
    // the clusters
    input logic [clusters-1:0] may_ask,
    output logic [clusters-1:0] ask,
    output logic [clusters-1:0] out_of_work,
    output logic [clusters-1:0] load,
    output logic [15:0] load_job
);
  localparam int request_bits = cluster_bits + 16;

  // The next job of each cluster; of all of them in the first place where they share.
  logic [clusters*16-1:0] next, next_now;
  logic [clusters-1:0] out_before;
  logic [clusters*request_bits-1:0] queue, queue_now;
  logic [7:0] queued, queued_now;
  logic serving, served;
  logic [7:0] left, left_now;
  logic [request_bits-1:0] request, request_now;
  logic [clusters-1:0] exhausted;

  for (genvar c = 0; c < clusters; c++) begin : each_cluster
    assign exhausted[c] = next[(job_handout_dynamic?0:c)*16+:16] >= job_end;
    assign load[c] = served && left_now == 8'd1 && request_now[request_bits-1:16] == cluster_bits'(c);
  end
  assign none_left = &exhausted && queued == '0 && !serving;
  assign load_job = request_now[15:0];

  // Who asks, and for which job.
  logic [15:0] job;
  always_comb begin
    next_now = next;
    queue_now = queue;
    queued_now = queued;
    ask = '0;
    out_of_work = active ? out_before : '0;
    job = '0;
    for (int i = 0; i < clusters; i++) begin
      if (begins) next_now[i*16+:16] = job_start + (job_handout_dynamic ? 16'd0 : 16'(i));
    end
    for (int i = 0; i < clusters; i++) begin
      job = next_now[(job_handout_dynamic?0:i)*16+:16];
      if (active && may_ask[i] && !(out_before[i] && !begins)) begin
        if (job < job_end) begin
          ask[i] = 1'b1;
          queue_now[32'(queued_now)*request_bits+:request_bits] = {cluster_bits'(i), job};
          queued_now = queued_now + 8'd1;
          next_now[(job_handout_dynamic?0:i)*16+:16] = job + (job_handout_dynamic ? 16'd1 : 16'(clusters));
        end else out_of_work[i] = 1'b1;
      end
    end
  end

  // The dispatch under way; when it is over the next request is taken in the same cycle.
  assign served = serving || queued_now != '0;
  assign request_now = serving ? request : queue_now[0+:request_bits];
  assign left_now = serving ? left : dispatch_cycles;

  always_ff @(posedge clk) begin
    next <= next_now;
    request <= request_now;
    if (reset) begin
      serving <= 1'b0;
      queued <= '0;
      out_before <= '0;
    end else begin
      serving <= served && left_now != 8'd1;
      queued <= serving || queued_now == '0 ? queued_now : queued_now - 8'd1;
      out_before <= out_of_work;
    end
    queue <= serving ? queue_now : queue_now >> request_bits;
    left  <= left_now - 8'd1;
  end
endmodule
