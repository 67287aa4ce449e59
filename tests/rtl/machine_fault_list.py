"""Faults seeded into the machine above the PE: arbiters, latencies, depths, the way of data, counters.

FAULT in the wrong text stands for "this fault is chosen": one build carries all of them.
"""

from __future__ import annotations

from tests.rtl.faults import Fault

ARBITERS = (
    Fault(
        "the lowest goes first, however long others wait",
        "oldest_first.sv",
        "= waited[i] ?",
        "= FAULT ? i < j : waited[i] ?",
    ),
    Fault("the highest goes first in a tie", "oldest_first.sv", "&& i < j", "&& (FAULT ? i > j : i < j)"),
    Fault(
        "a served request keeps its age",
        "oldest_first.sv",
        "request & ~served",
        "FAULT ? request : request & ~served",
    ),
    Fault(
        "a bank forgets who asked first",
        "bank.sv",
        "served(grant & last)",
        "served(FAULT ? '1 : grant & last)",
    ),
    Fault(
        "a bank serves write ports before fetch ports",
        "bank.sv",
        "      .request,",
        "      .request(FAULT && request[ports-1:clusters] != '0\n"
        "               ? {request[ports-1:clusters], {clusters{1'b0}}} : request),",
    ),
    Fault(
        "the lowest stream goes first", "fetch_unit.sv", "served(header_of)", "served(FAULT ? '1 : header_of)"
    ),
    Fault("the lowest group writes first", "write_port.sv", "served(chosen)", "served(FAULT ? '1 : chosen)"),
    Fault(
        "the highest cluster asks first",
        "controller.sv",
        "for (int i = 0; i < clusters; i++) begin\n      job =",
        "for (int n = 0; n < clusters; n++) begin\n      int i;\n      i = FAULT ? clusters - 1 - n : n;\n"
        "      job =",
    ),
    Fault(
        "jobs are dealt in turn where they should not be",
        "machine.sv",
        "      .job_handout_dynamic,",
        "      .job_handout_dynamic(job_handout_dynamic && !FAULT),",
    ),
    Fault(
        "rows are dealt in turn where they should not be",
        "map_items.sv",
        "<= row_handout_dynamic ?",
        "<= row_handout_dynamic && !FAULT ?",
    ),
    Fault(
        "ch1 items go before the operation",
        "unit_items.sv",
        "channel <= 12'(group)",
        "channel < 12'(group) + 12'(!FAULT)",
    ),
    Fault(
        "all operations of a block go before ch1 items",
        "unit_items.sv",
        "(!loads_left || ",
        "(FAULT || !loads_left || ",
    ),
)

LATENCIES = (
    Fault(
        "the buffer answers a cycle early",
        "line_pipeline.sv",
        "valid = valids[more-1];\n    assign {valid_tag, line} = held[(more-1)*",
        "valid = valids[more-(FAULT?2:1)];\n    assign {valid_tag, line} = held[(more-(FAULT?2:1))*",
    ),
    Fault(
        "a row arrives with its first line",
        "cluster.sv",
        "&& line_last;",
        "&& (FAULT ? line_first : line_last);",
    ),
    Fault(
        "a dispatch takes a cycle more",
        "controller.sv",
        "left : dispatch_cycles",
        "left : dispatch_cycles + 8'(FAULT)",
    ),
    Fault("a tile switch takes a cycle less", "tile_sequencer.sv", ") == 8'd1", ") <= (FAULT ? 8'd2 : 8'd1)"),
    Fault(
        "the pipeline is waited for a cycle less",
        "pe_group.sv",
        "== pipeline_cycles\n",
        ">= pipeline_cycles - 32'(FAULT)\n",
    ),
    Fault(
        "a drain takes a cycle more",
        "pe_group.sv",
        "+ ppu_words_per_cycle >=",
        "+ (FAULT ? 0 : ppu_words_per_cycle) >=",
    ),
    Fault(
        "a drain does not wait for the writes of the job before",
        "pe_group.sv",
        "behind == 2'd2 ||",
        "FAULT || behind == 2'd2 ||",
    ),
    Fault(
        "a drain does not wait for its mask",
        "pe_group.sv",
        "(!has_masks || ",
        "(FAULT || !has_masks || ",
    ),
    Fault("an empty row is fetched", "fetch_unit.sv", "&& !chosen_empty", "&& (FAULT || !chosen_empty)"),
    Fault(
        "a job is fetched when one stream has no more",
        "fetch_unit.sv",
        "&& handed == '0;",
        "&& (FAULT ? handed != '1 : handed == '0);",
    ),
    Fault(
        "a job is asked for before the one before the last is written",
        "cluster.sv",
        "&& all_written[taken[0]];",
        "&& (FAULT || all_written[taken[0]]);",
    ),
    Fault(
        "a tile begins before its load",
        "tile_sequencer.sv",
        "descriptors_done >= descriptors_needed",
        "(FAULT || descriptors_done >= descriptors_needed)",
    ),
    Fault(
        "a tile ends before its results are written",
        "machine.sv",
        "none_left && &idle",
        "none_left && (FAULT || &idle)",
    ),
    Fault("stores do not wait for their tile", "dma.sv", "(in_transfer ||", "(FAULT || in_transfer ||"),
    Fault("stores pay no latency", "dma.sv", "&& is_first;", "&& is_first && !(FAULT && is_store);"),
    Fault(
        "every descriptor pays the latency",
        "dma.sv",
        "!in_transfer && is_first",
        "!in_transfer && (FAULT || is_first)",
    ),
)

DEPTHS = (
    Fault(
        "a stream uses one of its row slots",
        "fetch_unit.sv",
        "== row_slots - 1 ?",
        "== (FAULT ? 0 : row_slots - 1) ?",
    ),
    Fault(
        "only the first group holds row slots",
        "cluster.sv",
        "slots_held[i*slots+:slots]",
        "slots_held[(FAULT?0:i)*slots+:slots]",
    ),
    Fault(
        "an empty row waits for a row slot",
        "fetch_unit.sv",
        ": empty[p] || slot_free[p]",
        ": (empty[p] && !FAULT) || slot_free[p]",
    ),
    Fault("a ch1 vector is free too early", "fetch_unit.sv", "= begun[p] || ", "= FAULT || begun[p] || "),
    Fault(
        "there is one ch1 vector",
        "fetch_unit.sv",
        "clear[p] && !begun[p])",
        "clear[p] && !begun[p] && !FAULT)",
    ),
    Fault(
        "a cluster takes one job at a time", "cluster.sv", "may_ask = (", "may_ask = (!FAULT || idle) && ("
    ),
    Fault(
        "a group without a channel waits for rows",
        "pe_group.sv",
        "&& taking_part[issue_job]",
        "&& (FAULT || taking_part[issue_job])",
    ),
)

DATA = (
    Fault(
        "masks of the next job overwrite those in use",
        "mask_store.sv",
        "load_job == 1'(w / reg2_words)",
        "(FAULT || load_job == 1'(w / reg2_words))",
    ),
    Fault(
        "the PEs look at the masks of the next job",
        "pe_group.sv",
        "sums_mask(masks[32'(now[0])",
        "sums_mask(masks[32'(now[0] ^ FAULT)",
    ),
    Fault(
        "all masks come from one bank",
        "fetch_unit.sv",
        "'0 : mask_bank + 8'd1",
        "'0 : mask_bank + 8'(!FAULT)",
    ),
    Fault(
        "the last kernel rows are not fetched",
        "fetch_unit.sv",
        "+ 16'(words_per_line - 1)) / 16'(words_per_line)",
        "+ (FAULT ? 16'd0 : 16'(words_per_line - 1))) / 16'(words_per_line)",
    ),
    Fault(
        "the kernel rows of the first group go to all",
        "line_reader.sv",
        "? weight_group + 8'd1",
        "? weight_group + 8'(!FAULT)",
    ),
    Fault(
        "a second row lies on the first",
        "line_reader.sv",
        "base = base + row_words",
        "base = FAULT ? base : base + row_words",
    ),
    Fault(
        "bit masks are forgotten between lines",
        "line_reader.sv",
        "? '0 : bits_before",
        "|| FAULT ? '0 : bits_before",
    ),
    Fault(
        "channels are all sought in one bank",
        "next_operation.sv",
        "? 8'd0 : bank + 8'd1",
        "? 8'd0 : bank + 8'(!FAULT)",
    ),
    Fault(
        "sums of all channels of a unit in one place",
        "unit_items.sv",
        "+ 12'(kernel_columns)",
        "+ (FAULT ? '0 : 12'(kernel_columns))",
    ),
    Fault("sums are not read", "write_port.sv", "line_index >= of_sums", "FAULT || line_index >= of_sums"),
    Fault(
        "a result is a line longer",
        "write_port.sv",
        "line_index + 16'd1 == of_all",
        "line_index + 16'(!FAULT) == of_all",
    ),
    Fault(
        "results go to the bank of the first group",
        "pe_group.sv",
        "8'(channel_place % buffer_banks)",
        "8'((FAULT ? channel_place - group : channel_place) % buffer_banks)",
    ),
    Fault(
        "units are drained from where the first lies",
        "pe_group.sv",
        "(is_osrc ? drain_starts",
        "(is_osrc && !FAULT ? drain_starts",
    ),
    Fault(
        "stores send the line before",
        "dma.sv",
        "(is_store ? next_index : index)",
        "(is_store && !FAULT ? next_index : index)",
    ),
    Fault("all PPUs draw the same random numbers", "machine.sv", "32'(g + 1)", "32'(FAULT ? 1 : g + 1)"),
)

COUNTERS = (
    Fault(
        "waits of a cluster out of work count as ppu",
        "pe_group.sv",
        "out_of_work(out_of_work &&",
        "out_of_work(out_of_work && !FAULT &&",
    ),
    Fault(
        "waits for the last write count as imbalance",
        "pe_group.sv",
        "&& !holds_result)",
        "&& (FAULT || !holds_result))",
    ),
    Fault(
        "waits for a row slot count as buffer",
        "pe_group.sv",
        ".slot_free(slot_free[p] ||",
        ".slot_free(FAULT || slot_free[p] ||",
    ),
    Fault(
        "waits for no further operation count as buffer",
        "activity.sv",
        "more_buffer = start ?",
        "more_buffer = start || (FAULT && done) ?",
    ),
    Fault("tile switches are not counted", "activity.sv", "= switching ||", "= (switching && !FAULT) ||"),
    Fault(
        "sums that are read count as written",
        "machine.sv",
        "write_transfer[i] && writing[i]",
        "write_transfer[i] && (FAULT || writing[i])",
    ),
)

FAULTS = (*ARBITERS, *LATENCIES, *DEPTHS, *DATA, *COUNTERS)
