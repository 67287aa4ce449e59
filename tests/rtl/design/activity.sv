// Where the cycles of a PE go: busy, reject, imbalance, buffer, ppu, dispatch. What an idle cycle was, of a PE
// that waits for an operation, is known when that operation starts, or when there turns out to be none.
module activity #(
    parameter int count_bits = 24
) (
    input logic clk,
    input logic reset,
    input logic count,
    input logic switching,
    input logic busy,
    input logic reject,
    input logic start,
    // of the group: reasons in the order in which they are asked
    input logic no_job,
    input logic out_of_work,
    input logic done,
    input logic dispatched,
    input logic taking_part,
    // the slot of the PE's next operation
    input logic slot_free,
    output logic [6*count_bits-1:0] states
);
  logic [count_bits-1:0] waited_free, waited_held;
  logic [5:0] now;
  logic [count_bits-1:0] more_imbalance, more_buffer;
  logic idle, waiting;

  assign idle = count && !busy && !reject;
  assign waiting = idle && !no_job && !done && dispatched && taking_part;
  assign now[0] = count && busy;
  assign now[1] = count && reject;
  assign now[2] = idle && (no_job ? out_of_work : !done && dispatched && !taking_part);
  assign now[3] = 1'b0;
  assign now[4] = idle && (no_job ? !out_of_work : done);
  assign now[5] = switching || (idle && !no_job && !done && !dispatched);
  assign more_imbalance = (start || done ? waited_held : '0) + (done && !start ? waited_free : '0);
  assign more_buffer = start ? waited_free : '0;

  always_ff @(posedge clk) begin
    if (reset) begin
      states <= '0;
      {waited_free, waited_held} <= '0;
    end else begin
      for (int i = 0; i < 6; i++) begin
        states[i*count_bits+:count_bits] <= states[i*count_bits+:count_bits] + count_bits'(now[i])
            + (i == 2 ? more_imbalance : i == 3 ? more_buffer : '0);
      end
      waited_free <= (start || done ? '0 : waited_free) + count_bits'(waiting && slot_free);
      waited_held <= (start || done ? '0 : waited_held) + count_bits'(waiting && !slot_free);
    end
  end
endmodule
