// The tiles of a program, in order. A tile begins when its load and the tile before are complete; when all its results
// are written the controller takes tile_switch_cycles before the next.
module tile_sequencer (
    input logic clk,
    input logic reset,
    input logic run,
    input logic [11:0] tiles,
    input logic [7:0] tile_switch_cycles,
    input logic [15:0] descriptors_needed,
    input logic [15:0] descriptors_done,
    // no job left, no request waiting, every result written
    input logic complete,
    output logic [11:0] tile,
    output logic begins,
    output logic active,
    output logic switching,
    output logic in_tile,
    output logic all_ended
);
  logic running;
  logic [7:0] switch_left;

  assign all_ended = tile == tiles;
  assign begins = run && !running && !all_ended && descriptors_done >= descriptors_needed;
  assign switching = switch_left != '0 || (running && complete);
  assign active = begins || (running && !switching);
  assign in_tile = begins || running;

  always_ff @(posedge clk) begin
    if (reset) begin
      running <= 1'b0;
      tile <= '0;
      switch_left <= '0;
    end else if (switching) begin
      if ((switch_left == '0 ? tile_switch_cycles : switch_left) == 8'd1) begin
        running <= 1'b0;
        tile <= tile + 12'd1;
        switch_left <= '0;
      end else switch_left <= (switch_left == '0 ? tile_switch_cycles : switch_left) - 8'd1;
    end else if (begins) running <= 1'b1;
  end
endmodule
