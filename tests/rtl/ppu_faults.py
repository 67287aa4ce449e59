"""Faults seeded into the PPU: one changed expression each. A suite that does not see them proves nothing."""

from __future__ import annotations

from tests.rtl.faults import Fault

FAULTS = (
    Fault("shift of the generator", "xorshift32.sv", "current >> 17", "current >> 16"),
    Fault("logical shift of sums", "finish.sv", "$signed(sum) >>> shift", "$signed(sum) >> shift"),
    Fault("no saturation of large sums", "finish.sv", "shifted > largest)", "1'b0)"),
    Fault("no saturation of small sums", "finish.sv", "shifted < smallest", "1'b0"),
    Fault("ReLU of positive words", "finish.sv", "relu && negative", "relu && !negative"),
    Fault(
        "a word at the threshold is pruned", "finish.sv", "magnitude >= threshold", "magnitude > threshold"
    ),
    Fault(
        "a word at the bar passes",
        "finish.sv",
        "{magnitude, operand_bits'(0)} > bar",
        "magnitude >= bar[2*operand_bits-1:operand_bits]",
    ),
    Fault(
        "pruned words lose their sign",
        "finish.sv",
        "negative ? -kept_magnitude : kept_magnitude",
        "kept_magnitude",
    ),
    Fault(
        "thresholds wrap around",
        "finish.sv",
        "threshold > largest_word ? largest_word : threshold",
        "threshold",
    ),
    Fault("magnitudes of negative words", "finish.sv", "? -whole : whole", "? ~whole : whole"),
    Fault("a mask word too few", "result_size.sv", "operand_bits - 1)", "operand_bits / 2)"),
    Fault(
        "sums count as words in lines",
        "result_size.sv",
        "final_result ? lines_of_words",
        "1'b1 ? lines_of_words",
    ),
    Fault("last line of sums is not added", "ppu.sv", "line_index <= sums_lines", "line_index < sums_lines"),
    Fault("lines are added without a transfer", "ppu.sv", "summing = transfer &&", "summing ="),
    Fault("mask bits beyond the result", "ppu.sv", "mask & ~({reg2_words{1'b1}} << accumulators)", "mask"),
    Fault("words beyond the result count", "ppu.sv", "&& number < place_bits'(accumulators)", ""),
    Fault("masked words are written", "ppu.sv", "!packing || kept", "1'b1 || kept"),
    Fault(
        "two words share a number",
        "ppu.sv",
        ".random(next_states[(i+1)*32",
        ".random(next_states[(i/2+1)*32",
    ),
    Fault("partial sums use random numbers", "ppu.sv", "valid[i] && finishing && prune", "valid[i] && prune"),
    Fault(
        "masked words use no random number",
        "ppu.sv",
        "valid[i] && finishing && prune",
        "write[i] && finishing && prune",
    ),
    Fault("partial sums count as gradients", "ppu.sv", "if (write[i] && finishing)", "if (write[i])"),
    Fault(
        "masked words count as gradients",
        "ppu.sv",
        "if (write[i] && finishing)",
        "if (valid[i] && finishing)",
    ),
    Fault("magnitudes of the program before", "ppu.sv", "reset || seed_load", "reset"),
    Fault(
        "packed words of the result before", "ppu.sv", "first_word == '0 ? '0 : packed_place", "packed_place"
    ),
    Fault("what has just arrived is not written", "ppu.sv", "== place) value", "== place && !summing) value"),
    Fault("words start behind the mask of another", "ppu.sv", "image_word - mask_words", "image_word"),
)
