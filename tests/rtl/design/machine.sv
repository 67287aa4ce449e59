// The machine: clusters, banks of the global buffer, controller, DMA. It executes a program that the host writes into
// its tables (0 registers, 1 jobs, 2 row operations, 3 units, 4 taps, 5 places, 6 ch1 places, 7 tiles, 8 DMA
// descriptors), from the first cycle of `run` to the first of `finished`. Sizes bear the names of the machine
// description; kernel_columns, column_bits, residue_bits and the depths of the tables bound the layers.
module machine #(
    parameter int clusters = 2,
    parameter int groups_per_cluster = 2,
    parameter int pes_per_group = 3,
    parameter int macs_per_pe = 1,
    parameter int row_slots = 2,
    parameter int row_slot_entries = 64,
    parameter int reg1_words = 64,
    parameter int reg2_words = 64,
    parameter int pipeline_cycles = 3,
    parameter int ppu_words_per_cycle = 4,
    parameter int buffer_banks = 4,
    parameter int bank_lines = 1024,
    parameter int read_latency_cycles = 2,
    parameter int operand_bits = 16,
    parameter int sum_bits = 32,
    parameter int line_bits = 128,
    parameter bit mask_skipping = 1,
    parameter bit input_skipping = 1,
    parameter int kernel_columns = 11,
    parameter int column_bits = 8,
    parameter int residue_bits = 2,
    parameter int count_bits = 24,
    parameter int job_words = 1024,
    parameter int rowop_words = 512,
    parameter int unit_words = 128,
    parameter int geometry_words = 16,
    parameter int tile_words = 64,
    parameter int descriptor_words = 4096,
    parameter int pointer_words = 8192,
    parameter int pes = clusters * groups_per_cluster * pes_per_group
) (
    input logic clk,
    input logic reset,
    input logic run,
    input logic program_write,
    input logic [3:0] program_select,
    input logic [15:0] program_address,
    input logic [1023:0] program_data,
    // off-chip memory
    output logic memory_request,
    output logic memory_first,
    output logic memory_store,
    output logic [23:0] memory_line,
    output logic [line_bits-1:0] memory_write_line,
    input logic [line_bits-1:0] memory_read_line,
    input logic memory_ready,
    // what happened
    output logic finished,
    output logic [11:0] tile,
    output logic [31:0] cycles,
    output logic [31:0] tile_cycles,
    output logic [31:0] dram_cycles,
    output logic [31:0] dma_busy_cycles,
    output logic [31:0] headers,
    output logic [31:0] lines_read,
    output logic [31:0] lines_sums_read,
    output logic [31:0] lines_written,
    output logic [pes*6*count_bits-1:0] states,
    output logic [clusters*groups_per_cluster*40-1:0] abs_sums
);
  localparam int words_per_line = line_bits / operand_bits;
  localparam int line_address_bits = $clog2(bank_lines);
  localparam int pointer_line_bits = $clog2(pointer_words / words_per_line);
  localparam int groups = clusters * groups_per_cluster;

  // ---- the program
  logic is_msrc, is_osrc, use_mask, has_masks, dense, row_handout_dynamic, job_handout_dynamic, relu, prune;
  logic [4:0] shift;
  logic [15:0] threshold, descriptors;
  logic [31:0] seed;
  logic [3:0] kernel_row_words;
  logic [7:0] dispatch_cycles, tile_switch_cycles;
  logic [11:0] tiles;
  logic [109:0] registers;
  logic [310:0] job;
  logic [47:0] tile_word;
  logic [78:0] descriptor, next_descriptor;
  logic [15:0] load_job, descriptor_number, descriptors_done;
  logic unused;

  assign {descriptors, tiles, tile_switch_cycles, dispatch_cycles, kernel_row_words, seed, threshold, shift, prune,
          relu, job_handout_dynamic, row_handout_dynamic, dense, has_masks, use_mask, is_osrc, is_msrc} = registers;
  assign unused = ^{program_address, program_data, load_job, descriptor_number, pointer_line};

  always_ff @(posedge clk) begin
    if (program_write && program_select == 4'd0) registers <= program_data[109:0];
  end

  program_table #(
      .words(job_words),
      .word_bits(311)
  ) job_table (
      .clk,
      .write(program_write && program_select == 4'd1),
      .write_address($clog2(job_words)'(program_address)),
      .write_word(program_data[310:0]),
      .read_addresses($clog2(job_words)'(load_job)),
      .read_words(job)
  );

  program_table #(
      .words(tile_words),
      .word_bits(48)
  ) tile_table (
      .clk,
      .write(program_write && program_select == 4'd7),
      .write_address($clog2(tile_words)'(program_address)),
      .write_word(program_data[47:0]),
      .read_addresses($clog2(tile_words)'(tile)),
      .read_words(tile_word)
  );

  program_table #(
      .words(descriptor_words),
      .word_bits(79),
      .reads(2)
  ) descriptor_table (
      .clk,
      .write(program_write && program_select == 4'd8),
      .write_address($clog2(descriptor_words)'(program_address)),
      .write_word(program_data[78:0]),
      .read_addresses({$clog2(descriptor_words)'(descriptor_number + 16'd1),
                       $clog2(descriptor_words)'(descriptor_number)}),
      .read_words({next_descriptor, descriptor})
  );

  // ---- tiles and jobs
  logic begins, active, switching, in_tile, all_ended, none_left, ran;
  logic [clusters-1:0] may_ask, idle, ask, out_of_work, load;

  tile_sequencer sequencer (
      .clk,
      .reset,
      .run,
      .tiles,
      .tile_switch_cycles,
      .descriptors_needed(tile_word[47:32]),
      .descriptors_done,
      .complete(none_left && &idle),
      .tile,
      .begins,
      .active,
      .switching,
      .in_tile,
      .all_ended
  );

  controller #(
      .clusters(clusters)
  ) dispatcher (
      .clk,
      .reset,
      .job_handout_dynamic,
      .dispatch_cycles,
      .begins,
      .active,
      .job_start(tile_word[15:0]),
      .job_end(tile_word[31:16]),
      .none_left,
      .may_ask,
      .ask,
      .out_of_work,
      .load,
      .load_job
  );

  // ---- the DMA
  logic [buffer_banks-1:0] dma_write;
  logic [line_address_bits-1:0] dma_address;
  logic pointer_write;
  logic [15:0] pointer_line;
  logic [buffer_banks*line_bits-1:0] dma_read_lines;

  dma #(
      .line_bits(line_bits),
      .buffer_banks(buffer_banks),
      .line_address_bits(line_address_bits)
  ) channel (
      .clk,
      .reset,
      .run,
      .descriptors,
      .tiles_ended(tile),
      .done(descriptors_done),
      .descriptor_number,
      .descriptor,
      .next_descriptor,
      .request(memory_request),
      .first(memory_first),
      .is_store(memory_store),
      .memory_line,
      .memory_write_line,
      .ready(memory_ready),
      .bank_write(dma_write),
      .bank_address(dma_address),
      .pointer_write,
      .pointer_line,
      .bank_read_lines(dma_read_lines)
  );

  // ---- the clusters
  logic [clusters*buffer_banks-1:0] fetch_requests, fetch_grants, write_requests, write_grants;
  logic [clusters-1:0] fetch_lasts, write_lasts, writing, header, fetch_transfer, write_transfer;
  logic [clusters*line_address_bits-1:0] fetch_addresses, write_addresses;
  logic [clusters*line_bits-1:0] write_lines;
  logic [buffer_banks*line_bits-1:0] read_lines;
  logic [groups*32-1:0] seeds;

  for (genvar g = 0; g < groups; g++) begin : seed_of
    logic [31:0] mixed;
    assign mixed = seed + 32'h9E3779B9 * 32'(g + 1);
    assign seeds[g*32+:32] = mixed == '0 ? 32'd1 : mixed;
  end

  for (genvar c = 0; c < clusters; c++) begin : each_cluster
    cluster #(
        .groups_per_cluster(groups_per_cluster),
        .pes_per_group(pes_per_group),
        .macs_per_pe(macs_per_pe),
        .row_slots(row_slots),
        .row_slot_entries(row_slot_entries),
        .reg1_words(reg1_words),
        .reg2_words(reg2_words),
        .pipeline_cycles(pipeline_cycles),
        .ppu_words_per_cycle(ppu_words_per_cycle),
        .buffer_banks(buffer_banks),
        .bank_lines(bank_lines),
        .read_latency_cycles(read_latency_cycles),
        .operand_bits(operand_bits),
        .sum_bits(sum_bits),
        .line_bits(line_bits),
        .mask_skipping(mask_skipping),
        .input_skipping(input_skipping),
        .kernel_columns(kernel_columns),
        .column_bits(column_bits),
        .residue_bits(residue_bits),
        .count_bits(count_bits),
        .rowop_words(rowop_words),
        .unit_words(unit_words),
        .geometry_words(geometry_words),
        .pointer_words(pointer_words)
    ) one (
        .clk,
        .reset,
        .program_write,
        .program_select,
        .program_address,
        .program_data,
        .pointer_write,
        .pointer_write_address(pointer_line_bits'(pointer_line)),
        .pointer_write_line(memory_read_line),
        .is_msrc,
        .is_osrc,
        .use_mask,
        .has_masks,
        .dense,
        .row_handout_dynamic,
        .relu,
        .prune,
        .shift,
        .threshold,
        .kernel_row_words,
        .seed_load(run && !ran),
        .seeds(seeds[c*groups_per_cluster*32+:groups_per_cluster*32]),
        .may_ask(may_ask[c]),
        .idle(idle[c]),
        .ask(ask[c]),
        .out_of_work(out_of_work[c]),
        .load(load[c]),
        .job,
        .fetch_request(fetch_requests[c*buffer_banks+:buffer_banks]),
        .fetch_last(fetch_lasts[c]),
        .fetch_address(fetch_addresses[c*line_address_bits+:line_address_bits]),
        .fetch_grant(fetch_grants[c*buffer_banks+:buffer_banks]),
        .write_request(write_requests[c*buffer_banks+:buffer_banks]),
        .write_last(write_lasts[c]),
        .write_write(writing[c]),
        .write_address(write_addresses[c*line_address_bits+:line_address_bits]),
        .write_line(write_lines[c*line_bits+:line_bits]),
        .write_grant(write_grants[c*buffer_banks+:buffer_banks]),
        .read_lines,
        .count(active),
        .switching,
        .header(header[c]),
        .fetch_transfer(fetch_transfer[c]),
        .write_transfer(write_transfer[c]),
        .states(states[c*groups_per_cluster*pes_per_group*6*count_bits+:groups_per_cluster*pes_per_group*6*count_bits]),
        .abs_sums(abs_sums[c*groups_per_cluster*40+:groups_per_cluster*40])
    );
  end

  // ---- the banks
  for (genvar b = 0; b < buffer_banks; b++) begin : each_bank
    logic [2*clusters-1:0] request, grant;

    for (genvar c = 0; c < clusters; c++) begin : ports_of
      assign request[c] = fetch_requests[c*buffer_banks+b];
      assign request[clusters+c] = write_requests[c*buffer_banks+b];
      assign fetch_grants[c*buffer_banks+b] = grant[c];
      assign write_grants[c*buffer_banks+b] = grant[clusters+c];
    end

    bank #(
        .clusters(clusters),
        .bank_lines(bank_lines),
        .line_bits(line_bits)
    ) one (
        .clk,
        .reset,
        .request,
        .last({write_lasts, fetch_lasts}),
        .addresses({write_addresses, fetch_addresses}),
        .write(writing),
        .write_lines,
        .grant,
        .read_line(read_lines[b*line_bits+:line_bits]),
        .dma_write(dma_write[b]),
        .dma_address,
        .dma_write_line(memory_read_line),
        .dma_read_line(dma_read_lines[b*line_bits+:line_bits])
    );
  end

  // ---- counters
  logic [31:0] headers_now, fetched_now, written_now, sums_now;

  always_comb begin
    headers_now = '0;
    fetched_now = '0;
    written_now = '0;
    sums_now = '0;
    for (int i = 0; i < clusters; i++) begin
      headers_now = headers_now + 32'(header[i]);
      fetched_now = fetched_now + 32'(fetch_transfer[i]);
      written_now = written_now + 32'(write_transfer[i] && writing[i]);
      sums_now = sums_now + 32'(write_transfer[i] && !writing[i]);
    end
  end

  assign finished = run && all_ended && descriptors_done == descriptors;

  always_ff @(posedge clk) begin
    ran <= run && !reset;
    if (reset) begin
      {cycles, tile_cycles, dram_cycles, dma_busy_cycles} <= '0;
      {headers, lines_read, lines_sums_read, lines_written} <= '0;
    end else if (run && !finished) begin
      cycles <= cycles + 32'd1;
      tile_cycles <= tile_cycles + 32'(in_tile);
      dram_cycles <= dram_cycles + 32'(!in_tile);
      dma_busy_cycles <= dma_busy_cycles + 32'(memory_request);
      headers <= headers + headers_now;
      lines_read <= lines_read + fetched_now;
      lines_sums_read <= lines_sums_read + sums_now;
      lines_written <= lines_written + written_now;
    end
  end
endmodule
