// The row operations of a SRC or MSRC job, dealt to the streams. static: stream p has operations p, p + P, ...;
// dynamic: a stream that asks (advance) gets the next one. The job is given with `load`, the cycle before its
// dispatch; operations as in next_operation.
module map_items #(
    parameter int pes_per_group = 3,
    parameter int buffer_banks = 4
) (
    input logic clk,
    input logic reset,
    input logic load,
    input logic [7:0] load_kernel_rows,
    input logic [11:0] load_channels,
    input logic [15:0] load_pointer_stride,
    input logic [55:0] load_first,
    input logic row_handout_dynamic,
    input logic [pes_per_group-1:0] advance,
    output logic [pes_per_group-1:0] valid,
    output logic [pes_per_group*56-1:0] operations
);
  logic [7:0] kernel_rows;
  logic [11:0] channels;
  logic [15:0] pointer_stride;
  logic [55:0] shared, after_shared;
  logic [(pes_per_group+1)*56-1:0] first_ones;

  assign first_ones[0+:56] = load_first;
  for (genvar p = 0; p < pes_per_group; p++) begin : first
    next_operation #(
        .buffer_banks(buffer_banks)
    ) step (
        .kernel_rows(load_kernel_rows),
        .pointer_stride(load_pointer_stride),
        .operation(first_ones[p*56+:56]),
        .next(first_ones[(p+1)*56+:56])
    );
  end

  next_operation #(
      .buffer_banks(buffer_banks)
  ) step_shared (
      .kernel_rows,
      .pointer_stride,
      .operation(shared),
      .next(after_shared)
  );

  for (genvar p = 0; p < pes_per_group; p++) begin : stream
    logic [(pes_per_group+1)*56-1:0] own;

    assign own[0+:56] = operations[p*56+:56];
    for (genvar i = 0; i < pes_per_group; i++) begin : skip
      next_operation #(
          .buffer_banks(buffer_banks)
      ) step (
          .kernel_rows,
          .pointer_stride,
          .operation(own[i*56+:56]),
          .next(own[(i+1)*56+:56])
      );
    end

    assign valid[p] = operations[p*56+8+:12] < channels;

    always_ff @(posedge clk) begin
      if (load) operations[p*56+:56] <= first_ones[p*56+:56];
      else if (advance[p])
        operations[p*56+:56] <= row_handout_dynamic ? shared : own[pes_per_group*56+:56];
    end
  end

  always_ff @(posedge clk) begin
    if (reset) channels <= '0;
    // A row block that no kernel row meets has no operations.
    else if (load) channels <= load_kernel_rows == '0 ? '0 : load_channels;
    if (load) begin
      kernel_rows <= load_kernel_rows;
      pointer_stride <= load_pointer_stride;
      shared <= first_ones[pes_per_group*56+:56];
    end else if (advance != '0) shared <= after_shared;
  end
endmodule
