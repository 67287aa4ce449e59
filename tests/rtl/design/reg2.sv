// Reg-2: reg2_words partial sums. Each MAC lane adds one product a cycle; no two lanes name the same sum in one
// cycle, because the taps of an entry go to different sums. The drain reads the sums drain_address and up, as many as
// the PPU takes in a cycle, and leaves zeros; addresses outside read as 0.
module reg2 #(
    parameter int reg2_words = 64,
    parameter int sum_bits = 32,
    parameter int operand_bits = 16,
    parameter int macs_per_pe = 1,
    parameter int ppu_words_per_cycle = 4,
    parameter int drain_bits = 12,
    parameter int reg2_address_bits = $clog2(reg2_words)
) (
    input logic clk,
    input logic reset,
    input logic [macs_per_pe-1:0] product_valid,
    input logic [macs_per_pe*2*operand_bits-1:0] products,
    input logic [macs_per_pe*reg2_address_bits-1:0] product_addresses,
    input logic drain,
    input logic [drain_bits-1:0] drain_address,
    output logic [ppu_words_per_cycle*sum_bits-1:0] drained
);
  logic [reg2_words*sum_bits-1:0] sums;
  logic [macs_per_pe*sum_bits-1:0] totals;

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

    logic [drain_bits-1:0] distance;
    // Two's complement: an address below 0 is far above.
    assign distance = drain_bits'(w) - drain_address;
    assign drained_now = drain && distance < drain_bits'(ppu_words_per_cycle);

    always_ff @(posedge clk) begin
      if (reset || drained_now) sums[w*sum_bits+:sum_bits] <= '0;
      else if (added) sums[w*sum_bits+:sum_bits] <= total;
    end
  end

  for (genvar i = 0; i < ppu_words_per_cycle; i++) begin : drain_port
    logic [drain_bits-1:0] place;
    assign place = drain_address + drain_bits'(i);
    assign drained[i*sum_bits+:sum_bits] =
        32'(place) < reg2_words ? sums[32'(place)*sum_bits+:sum_bits] : '0;
  end
endmodule
