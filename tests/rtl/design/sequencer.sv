// Control of a PE: which entry of which slot, and which of its products are left. Slots are executed in turn; a PE
// that was left out of a job goes on with the slot that is filled next. An operation starts in the
// cycle in which its slot is found full, if it belongs to the job that Reg-2 serves; entries and operations
// follow each other without a bubble. An entry without a useful product takes one cycle (reject).
module sequencer #(
    parameter int row_slots = 2,
    parameter int row_slot_entries = 64,
    parameter int kernel_columns = 11,
    parameter int slot_bits = row_slots > 1 ? $clog2(row_slots) : 1,
    parameter int entry_index_bits = $clog2(row_slot_entries + 1)
) (
    input logic clk,
    input logic reset,
    input logic [row_slots-1:0] slot_full,
    input logic may_run,
    input logic arrive,
    input logic [slot_bits-1:0] fill_slot,
    input logic [entry_index_bits-1:0] entries,
    input logic [kernel_columns-1:0] useful,
    input logic [kernel_columns-1:0] rest,
    output logic [slot_bits-1:0] slot,
    output logic [entry_index_bits-1:0] index,
    output logic [kernel_columns-1:0] pending,
    output logic start,
    output logic busy,
    output logic reject,
    output logic done
);
  logic active, halfway, entry_ends;
  logic [row_slots-1:0] others_full;
  logic [kernel_columns-1:0] left;

  assign active = slot_full[slot] && may_run;
  assign pending = active ? (halfway ? left : useful) : '0;
  assign busy = active && pending != '0;
  assign reject = active && pending == '0;
  assign entry_ends = active && rest == '0;
  assign start = active && !halfway && index == '0;
  assign done = entry_ends && index + 1'b1 == entries;

  assign others_full = slot_full & ~(row_slots'(done) << slot);

  always_ff @(posedge clk) begin
    left <= rest;
    if (reset) halfway <= 1'b0;
    else if (active) halfway <= !entry_ends;

    if (reset || done) index <= '0;
    else if (entry_ends) index <= index + 1'b1;

    if (reset) slot <= '0;
    else if (arrive && others_full == '0) slot <= fill_slot;
    else if (done) slot <= slot == slot_bits'(row_slots - 1) ? '0 : slot + 1'b1;
  end
endmodule
