// Reg-2: reg2_words partial sums. Each MAC lane adds one product a cycle; no two lanes name the same sum in one
// cycle, because the taps of an entry go to different sums. The drain reads sums
// drain_line * ppu_words_per_cycle and up, as many, and leaves zeros. Beside the sums stand the mask of this job and, being loaded, that of the next.
module reg2 #(
    parameter int reg2_words = 64,
    parameter int sum_bits = 32,
    parameter int operand_bits = 16,
    parameter int macs_per_pe = 1,
    parameter int ppu_words_per_cycle = 4,
    parameter int line_bits = 128,
    parameter int reg2_address_bits = $clog2(reg2_words)
) (
    input logic clk,
    input logic reset,
    input logic [macs_per_pe-1:0] product_valid,
    input logic [macs_per_pe*2*operand_bits-1:0] products,
    input logic [macs_per_pe*reg2_address_bits-1:0] product_addresses,
    input logic drain,
    input logic [reg2_address_bits-1:0] drain_line,
    output logic [ppu_words_per_cycle*sum_bits-1:0] drained,
    input logic mask_load,
    input logic [reg2_address_bits-1:0] mask_address,
    input logic [line_bits-1:0] mask_line,
    input logic mask_switch,
    output logic [reg2_words-1:0] mask
);
  localparam int mask_bits = line_bits < reg2_words ? line_bits : reg2_words;

  logic [reg2_words*sum_bits-1:0] sums;
  logic [macs_per_pe*sum_bits-1:0] totals;
  logic [reg2_words-1:0] next_mask;

  for (genvar i = 0; i < macs_per_pe; i++) begin : lane
    assign totals[i*sum_bits+:sum_bits] =
        sums[32'(product_addresses[i*reg2_address_bits+:reg2_address_bits])*sum_bits+:sum_bits]
        + sum_bits'($signed(products[i*2*operand_bits+:2*operand_bits]));
  end

  for (genvar w = 0; w < reg2_words; w++) begin : word
    logic [sum_bits-1:0] total;
    logic added, drained_now;

    always_comb begin
      total = '0;
      added = 1'b0;
      for (int i = 0; i < macs_per_pe; i++) begin
        if (product_valid[i]
            && product_addresses[i*reg2_address_bits+:reg2_address_bits] == reg2_address_bits'(w)) begin
          added = 1'b1;
          total = totals[i*sum_bits+:sum_bits];
        end
      end
    end

    assign drained_now = drain && 32'(drain_line) == w / ppu_words_per_cycle;

    always_ff @(posedge clk) begin
      if (reset || drained_now) sums[w*sum_bits+:sum_bits] <= '0;
      else if (added) sums[w*sum_bits+:sum_bits] <= total;
    end
  end

  for (genvar i = 0; i < ppu_words_per_cycle; i++) begin : drain_port
    logic [31:0] place;
    assign place = 32'(drain_line) * ppu_words_per_cycle + i;
    assign drained[i*sum_bits+:sum_bits] = place < reg2_words ? sums[place*sum_bits+:sum_bits] : '0;
  end

  for (genvar w = 0; w < reg2_words; w++) begin : mask_bit
    logic loaded;
    assign loaded = mask_load && 32'(mask_address) / mask_bits == w / mask_bits;
    always_ff @(posedge clk) begin
      if (reset) next_mask[w] <= 1'b0;
      else if (loaded) next_mask[w] <= mask_line[w%mask_bits];
      if (reset) mask[w] <= 1'b0;
      else if (mask_switch) mask[w] <= next_mask[w];
    end
  end

  if (line_bits > reg2_words) begin : wide_line
    logic unused_line;
    assign unused_line = ^mask_line[line_bits-1:mask_bits];
  end
endmodule
