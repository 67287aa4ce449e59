// Non-zero multiplication detector: which taps of a kernel row make a useful product with one ch0 entry, and
// where their operands lie. Combinational.
//
// An entry stands at (column, residue), tap k at offset k. Tap k is useful where the residues are equal (column
// modulo stride), first <= column < end (inside the row block and outside the padding), and the mask has a 1.
//   target of tap k = row_base + column + offset, modulo 2^target_bits (column_bits >= target_bits)
//   SRC, MSRC: Reg-1 word reg1_base + k (the kernel row), sum `target`; the mask is that of the sums (MSRC)
//   OSRC:      Reg-1 word reg1_base + target, sum reg2_base + k; the mask is that of the ch1 vectors
module detector #(
    parameter int kernel_columns = 11,
    parameter int reg1_words = 64,
    parameter int reg2_words = 64,
    parameter int column_bits = 8,
    parameter int residue_bits = 2,
    parameter bit mask_skipping = 1,
    parameter bit input_skipping = 1,
    parameter int reg1_address_bits = $clog2(2 * reg1_words),
    parameter int reg2_address_bits = $clog2(reg2_words),
    parameter int target_bits = reg1_address_bits > reg2_address_bits ? reg1_address_bits : reg2_address_bits,
    parameter int tap_bits = residue_bits + 2 * column_bits + target_bits
) (
    input logic [reg2_address_bits-1:0] row_base,
    input logic [column_bits-1:0] column,
    input logic [residue_bits-1:0] residue,
    input logic [kernel_columns*tap_bits-1:0] taps,
    input logic is_msrc,
    input logic is_osrc,
    input logic use_mask,
    input logic [reg1_address_bits-1:0] reg1_base,
    input logic [reg2_address_bits-1:0] reg2_base,
    input logic [2*reg1_words-1:0] ch1_mask,
    input logic [reg2_words-1:0] sums_mask,
    output logic [kernel_columns-1:0] useful,
    output logic [kernel_columns*reg1_address_bits-1:0] reg1_addresses,
    output logic [kernel_columns*reg2_address_bits-1:0] reg2_addresses
);
  for (genvar k = 0; k < kernel_columns; k++) begin : tap
    logic [target_bits-1:0] offset, target;
    logic [column_bits-1:0] first, last;
    logic [residue_bits-1:0] phase;
    logic [reg1_address_bits-1:0] word;
    logic [reg2_address_bits-1:0] sum;
    logic met, masked_out;

    assign {phase, last, first, offset} = taps[k*tap_bits+:tap_bits];
    assign target = target_bits'(row_base) + target_bits'(column) + offset;
    assign word = reg1_base + (is_osrc ? reg1_address_bits'(target) : reg1_address_bits'(k));
    assign sum = is_osrc ? reg2_base + reg2_address_bits'(k) : reg2_address_bits'(target);
    assign met = residue == phase && $signed(column) >= $signed(first) && $signed(column) < $signed(last);
    assign masked_out = use_mask && (is_msrc && mask_skipping && !sums_mask[sum]
                                  || is_osrc && input_skipping && !ch1_mask[word]);

    assign useful[k] = met && !masked_out;
    assign reg1_addresses[k*reg1_address_bits+:reg1_address_bits] = word;
    assign reg2_addresses[k*reg2_address_bits+:reg2_address_bits] = sum;
  end
endmodule
