package io.pannier.server.metrics;

import java.util.List;

/** Every metric there is: its name, what kind it is, its labels, and what it says. */
public enum Metric {
  // -------------------------------------------------------------------------------- requests

  HTTP_REQUESTS(
      Kind.COUNTER,
      "pannier_http_requests",
      "Requests that are over, by route and status; `gone`: the client did not wait for an answer.",
      "method",
      "route",
      "code"),
  HTTP_DURATION(
      Kind.HISTOGRAM,
      "pannier_http_request_duration_seconds",
      "From the head of a request to the end of its answer; a query that waits for records waits"
          + " here too.",
      "method",
      "route"),
  HTTP_RECEIVED(
      Kind.COUNTER,
      "pannier_http_request_body_bytes",
      "Bytes of bodies that clients sent, as they came, counted when the request is over.",
      "method",
      "route"),
  HTTP_SENT(
      Kind.COUNTER,
      "pannier_http_response_body_bytes",
      "Bytes of bodies that were given to the socket, counted when the request is over.",
      "method",
      "route"),
  HTTP_CUT(
      Kind.COUNTER,
      "pannier_http_responses_cut",
      "Answers that began and did not end: the client went away, or what was read was damaged.",
      "method",
      "route"),
  HTTP_IN_FLIGHT(Kind.GAUGE, "pannier_http_requests_in_flight", "Requests that are not over."),
  HTTP_REFUSED(
      Kind.COUNTER,
      "pannier_http_requests_refused",
      "Requests that were answered 429 or 503, by reason.",
      "reason"),
  HTTP_MALFORMED(
      Kind.COUNTER,
      "pannier_http_malformed_requests",
      "What came and was no request, by the status that it was answered with.",
      "code"),
  HTTP_CONNECTIONS(Kind.GAUGE, "pannier_http_connections", "Connections that are open."),
  HTTP_CONNECTIONS_MAX(
      Kind.GAUGE, "pannier_http_connections_limit", "Connections that may be open."),
  HTTP_CONNECTIONS_OPENED(
      Kind.COUNTER, "pannier_http_connections_opened", "Connections that were taken."),
  HTTP_CONNECTIONS_REFUSED(
      Kind.COUNTER,
      "pannier_http_connections_refused",
      "Connections that were turned away, because there were as many as may be."),
  HTTP_STREAMS(Kind.GAUGE, "pannier_http2_streams", "Streams of HTTP/2 that are open."),

  // -------------------------------------------------------------------------------- queues

  WORKERS(
      Kind.GAUGE,
      "pannier_workers",
      "Threads for whatever may wait for the device; those that wait for a slow client are made up for."),
  WORKERS_BUSY(Kind.GAUGE, "pannier_workers_busy", "Those that do something."),
  WORKER_QUEUE(Kind.GAUGE, "pannier_worker_queue", "Requests that wait for such a thread."),
  WORKER_QUEUE_MAX(
      Kind.GAUGE,
      "pannier_worker_queue_limit",
      "Requests that may wait for such a thread; beyond it 503."),
  WRITERS_ACTIVE(
      Kind.GAUGE,
      "pannier_writers_active",
      "Uploads and batches that are being written; 0 where `RS_IO_MAX_WRITERS_IN_FLIGHT` sets no"
          + " limit."),
  WRITERS_WAITING(
      Kind.GAUGE, "pannier_writers_waiting", "Uploads and batches that wait for their turn."),
  WRITERS_MAX(
      Kind.GAUGE,
      "pannier_writers_limit",
      "Uploads and batches that may be written at once; 0: any number."),
  REQUEST_MEMORY(
      Kind.GAUGE,
      "pannier_request_memory_bytes",
      "Bytes of heads and bodies that are held until they are complete."),
  REQUEST_MEMORY_MAX(
      Kind.GAUGE, "pannier_request_memory_limit_bytes", "Bytes that may be held so."),
  REQUEST_MEMORY_WAITING(
      Kind.GAUGE, "pannier_request_memory_waiting", "Requests that wait for such memory."),
  TRANSFER_MEMORY(
      Kind.GAUGE,
      "pannier_transfer_memory_bytes",
      "Bytes of buffers between files and connections, in use or kept for the next."),
  TRANSFER_MEMORY_MAX(
      Kind.GAUGE, "pannier_transfer_memory_limit_bytes", "Bytes that such buffers may take."),
  TRANSFER_BUFFERS(
      Kind.GAUGE, "pannier_transfer_buffers_in_use", "Such buffers that somebody uses."),
  SCHEDULER_WAITING(
      Kind.GAUGE,
      "pannier_scheduler_waiting",
      "Tasks that could run and wait for a thread: `sync` rounds and `background` work of the"
          + " store, `server` for events and lifecycles.",
      "lane"),
  QUERIES(Kind.GAUGE, "pannier_queries", "Queries that are alive."),
  QUERIES_MAX(Kind.GAUGE, "pannier_queries_limit", "Queries that may be alive."),

  // -------------------------------------------------------------------------------- access

  FAILED_LOGINS(
      Kind.COUNTER, "pannier_failed_logins", "Calls with a value that no token has, ever had."),
  TOKENS(Kind.GAUGE, "pannier_tokens", "Tokens there are."),
  EVENTS_DROPPED(
      Kind.COUNTER,
      "pannier_system_events_dropped",
      "Records of `$system` that were lost: no room in the queue, or refused by the store."),

  // -------------------------------------------------------------------------------- buckets

  BUCKET_SIZE(
      Kind.GAUGE, "pannier_bucket_size_bytes", "Bodies and labels of live records.", "bucket"),
  BUCKET_DISK(Kind.GAUGE, "pannier_bucket_disk_bytes", "Bytes of all files of it.", "bucket"),
  BUCKET_QUOTA(
      Kind.GAUGE,
      "pannier_bucket_quota_bytes",
      "Its quota; 0 without one. FIFO is measured by `disk`, HARD by `size`.",
      "bucket",
      "type"),
  BUCKET_RECORDS(Kind.GAUGE, "pannier_bucket_records", "Live records.", "bucket"),
  BUCKET_BLOCKS(Kind.GAUGE, "pannier_bucket_blocks", "Blocks, open and closed.", "bucket"),
  BUCKET_ENTRIES(Kind.GAUGE, "pannier_bucket_entries", "Entries.", "bucket"),
  BUCKET_WRITTEN(
      Kind.COUNTER,
      "pannier_bucket_records_written",
      "Records that clients wrote, counted when they are stored.",
      "bucket"),
  BUCKET_WRITTEN_BYTES(
      Kind.COUNTER, "pannier_bucket_written_bytes", "Bytes of their bodies.", "bucket"),
  BUCKET_READ(
      Kind.COUNTER,
      "pannier_bucket_records_read",
      "Records that clients read, counted when they were given to the socket.",
      "bucket"),
  BUCKET_READ_BYTES(
      Kind.COUNTER,
      "pannier_bucket_read_bytes",
      "Bytes of their bodies, or of the parts that were wanted.",
      "bucket"),
  BUCKET_REMOVED(
      Kind.COUNTER,
      "pannier_bucket_records_removed",
      "Records that clients or lifecycles removed, alone or with their entry.",
      "bucket"),
  BUCKET_EVICTED(
      Kind.COUNTER,
      "pannier_bucket_records_evicted",
      "Live records that went to make room for new ones.",
      "bucket"),
  BUCKET_EVICTED_BLOCKS(
      Kind.COUNTER, "pannier_bucket_evicted_blocks", "Blocks that went so.", "bucket"),
  BUCKET_EVICTED_BYTES(
      Kind.COUNTER, "pannier_bucket_evicted_bytes", "Bytes of their files.", "bucket"),
  BUCKET_AHEAD(
      Kind.COUNTER,
      "pannier_bucket_records_ahead",
      "Records that were stored with a time more than a day ahead of the clock.",
      "bucket"),

  // -------------------------------------------------------------------------------- store

  STORED_RECORDS(
      Kind.COUNTER,
      "pannier_store_records",
      "Records that were stored, also those that the server writes for itself."),
  STORED_BYTES(
      Kind.COUNTER,
      "pannier_store_record_bytes",
      "Their bodies and labels. `pannier_device_written_bytes_total` divided by this is the write"
          + " amplification."),
  DEVICE_WRITTEN(
      Kind.COUNTER,
      "pannier_device_written_bytes",
      "Bytes that were written to files: records, indexes, changes, journals, copies."),
  DEVICE_READ(
      Kind.COUNTER,
      "pannier_device_read_bytes",
      "Bytes that were read from files, from the page cache of the system or the device."),
  DEVICE_FREE(
      Kind.GAUGE,
      "pannier_device_free_bytes",
      "Bytes on the device of the data folder that may still be used."),
  DEVICE_KEPT_FREE(
      Kind.GAUGE,
      "pannier_device_kept_free_bytes",
      "Bytes that records leave free (`PANNIER_MIN_FREE_SPACE`)."),
  STORE_SIZE(
      Kind.GAUGE,
      "pannier_store_size_bytes",
      "What `RS_ENGINE_MAX_STORAGE_SIZE` is measured by: live records, and writes under way."),
  STORE_SIZE_MAX(
      Kind.GAUGE, "pannier_store_size_limit_bytes", "That limit; +Inf where none is set."),
  UNSYNCED(Kind.GAUGE, "pannier_unsynced_bytes", "Bytes that are written and not on the device."),
  UNSYNCED_MAX(
      Kind.GAUGE, "pannier_unsynced_limit_bytes", "Beyond so many of them writers must wait."),
  UNSYNCED_AGE(
      Kind.GAUGE,
      "pannier_oldest_unsynced_seconds",
      "Age of the oldest of them; what a loss of power would take, in time."),
  WRITERS_THROTTLED(
      Kind.GAUGE,
      "pannier_writers_throttled",
      "1 while writers must wait, because the device does not keep up."),
  SYNC_DURATION(
      Kind.HISTOGRAM,
      "pannier_sync_duration_seconds",
      "Sync rounds: each brings everything to the device that was written before it."),
  SYNC_FAILED(
      Kind.COUNTER,
      "pannier_sync_failures",
      "Rounds after which something was not on the device; it is saved elsewhere and tried again."),
  INDEX_HITS(
      Kind.COUNTER, "pannier_index_cache_hits", "Uses of an index of a block that was in memory."),
  INDEX_MISSES(
      Kind.COUNTER, "pannier_index_cache_misses", "Uses of one that had to be read first."),
  INDEX_BYTES(Kind.GAUGE, "pannier_index_cache_bytes", "Bytes of indexes in memory."),
  INDEX_BYTES_MAX(Kind.GAUGE, "pannier_index_cache_limit_bytes", "Bytes that they may take."),
  FILE_HITS(Kind.COUNTER, "pannier_file_cache_hits", "Uses of a file that was open."),
  FILE_MISSES(
      Kind.COUNTER, "pannier_file_cache_misses", "Uses of one that had to be opened first."),
  FILES_OPEN(Kind.GAUGE, "pannier_file_cache_files", "Files of blocks that are open."),
  FILES_MAX(Kind.GAUGE, "pannier_file_cache_limit", "Files of blocks that may be open."),
  REWRITES(
      Kind.COUNTER,
      "pannier_block_rewrites",
      "Blocks that were written again: `reclaim` the room of removed records, `compress`, `salvage`"
          + " after a failed sync.",
      "purpose"),
  REWRITTEN_BEFORE(
      Kind.COUNTER, "pannier_block_rewrite_source_bytes", "Bytes of those blocks before."),
  REWRITTEN_AFTER(
      Kind.COUNTER, "pannier_block_rewrite_result_bytes", "Bytes of those blocks afterwards."),
  DAMAGE(
      Kind.COUNTER,
      "pannier_damage",
      "Places that did not match their checksums, each time one was met, by what was found; `all`"
          + " is their sum.",
      "kind"),
  LOSSES(
      Kind.COUNTER,
      "pannier_losses",
      "Records and blocks that were found to be gone, by what was found; `all` is their sum.",
      "kind"),
  STORE_FAILURES(
      Kind.COUNTER,
      "pannier_store_failures",
      "Operations of the store that failed; what can be is tried again."),
  BALLAST_RELEASED(
      Kind.COUNTER,
      "pannier_ballast_released",
      "How often the ballast was given up, for the device was full."),
  BALLAST(Kind.GAUGE, "pannier_ballast", "1 while there is ballast to give up."),

  // -------------------------------------------------------------------------------- tasks

  LIFECYCLE_RUNS(
      Kind.COUNTER,
      "pannier_lifecycle_runs",
      "Runs that ended; `failed`: also those that were put off or stopped.",
      "lifecycle",
      "outcome"),
  LIFECYCLE_RECORDS(
      Kind.COUNTER,
      "pannier_lifecycle_records",
      "Records that were removed or compressed, or in a dry run would have been.",
      "lifecycle"),
  LIFECYCLE_BLOCKS(
      Kind.COUNTER,
      "pannier_lifecycle_blocks",
      "Blocks that were compressed, or in a dry run would have been.",
      "lifecycle"),
  LIFECYCLE_LAST_RUN(
      Kind.GAUGE,
      "pannier_lifecycle_last_run_timestamp_seconds",
      "When the last run ended; 0 before the first.",
      "lifecycle"),
  LIFECYCLE_OBSTRUCTED(
      Kind.GAUGE,
      "pannier_lifecycle_obstructed",
      "1 while it is enabled and does nothing: its bucket is gone, or the clock is not believed.",
      "lifecycle"),
  REPLICATION_UP(
      Kind.GAUGE,
      "pannier_replication_up",
      "Whether the destination could be reached last.",
      "replication"),
  REPLICATION_PENDING(
      Kind.GAUGE,
      "pannier_replication_pending_records",
      "Records and changes of labels that are still to be sent.",
      "replication"),
  REPLICATION_PENDING_BYTES(
      Kind.GAUGE,
      "pannier_replication_pending_bytes",
      "Bytes of bodies of records that are still to be sent.",
      "replication"),
  REPLICATION_OLDEST_AGE(
      Kind.GAUGE,
      "pannier_replication_oldest_pending_age_seconds",
      "Age of the oldest record that is still to be sent, 0 without one.",
      "replication"),
  REPLICATION_CATCH_UP(
      Kind.GAUGE,
      "pannier_replication_catch_up_seconds",
      "Until nothing is pending any more at the rates of the last minute, +Inf: never.",
      "replication"),
  REPLICATION_EVICTION(
      Kind.GAUGE,
      "pannier_replication_eviction_seconds",
      "Until the quota takes the oldest pending record, sent or not, +Inf: never.",
      "replication"),
  REPLICATION_LOSS(
      Kind.GAUGE,
      "pannier_replication_loss_seconds",
      "Until the first record is evicted unsent at the rates of the last minute, +Inf: never.",
      "replication"),
  REPLICATION_SENT(
      Kind.COUNTER,
      "pannier_replication_records_sent",
      "Records and changes of labels that arrived.",
      "replication"),
  REPLICATION_SENT_BYTES(
      Kind.COUNTER,
      "pannier_replication_sent_bytes",
      "Bytes of bodies of records that arrived.",
      "replication"),
  REPLICATION_RESUMED_BYTES(
      Kind.COUNTER,
      "pannier_replication_resumed_bytes",
      "Bytes that did not have to be sent again after a connection had ended.",
      "replication"),
  REPLICATION_ERRORS(
      Kind.COUNTER,
      "pannier_replication_errors",
      "Records and changes that did not arrive, once for each attempt.",
      "replication"),
  REPLICATION_LOST(
      Kind.COUNTER,
      "pannier_replication_records_lost",
      "Records that a quota evicted before they were sent, since the task exists.",
      "replication"),
  REPLICATION_LOST_BYTES(
      Kind.COUNTER, "pannier_replication_lost_bytes", "Bytes of bodies of those.", "replication"),
  REPLICATION_REFUSED(
      Kind.COUNTER,
      "pannier_replication_records_refused",
      "Records that the destination will never take, since the task exists.",
      "replication"),

  // -------------------------------------------------------------------------------- replicas

  REPLICA_BEHIND(
      Kind.GAUGE,
      "pannier_replica_behind_seconds",
      "Since the newest state of the instance that writes was last looked for with success: at most"
          + " so far behind its manifest is what is served. On replicas only, as the five that"
          + " follow."),
  REPLICA_LAST_READ(
      Kind.GAUGE,
      "pannier_replica_last_read_timestamp_seconds",
      "When the manifest, or the journals of a shared folder, were last read with success, since"
          + " 1970 in UTC."),
  REPLICA_STATES(
      Kind.COUNTER, "pannier_replica_states", "Newer states that were opened and turned to."),
  REPLICA_FAILURES(
      Kind.COUNTER,
      "pannier_replica_refresh_failures",
      "Looks for a newer state that failed; the one before goes on being served."),
  REPLICA_EPOCH(
      Kind.GAUGE,
      "pannier_replica_writer_epoch",
      "Epoch of the writer in the root that was read last: one more with every start of it; 0 for a"
          + " shared folder."),
  REPLICA_GENERATION(
      Kind.GAUGE,
      "pannier_replica_generation",
      "Number of the root that was read last; 0 for a shared folder."),

  // -------------------------------------------------------------------------------- process

  BUILD(
      Kind.INFO,
      "pannier_build",
      "Which program this is, and which version of the protocol it speaks.",
      "version",
      "api_version",
      "instance"),
  START_TIME(
      Kind.GAUGE, "process_start_time_seconds", "When the process was started, since 1970 in UTC."),
  CPU(
      Kind.COUNTER,
      "process_cpu_seconds",
      "Time of processors that the process has used, user and system."),
  RESIDENT(Kind.GAUGE, "process_resident_memory_bytes", "Memory of the process in RAM."),
  OPEN_HANDLES(Kind.GAUGE, "process_open_fds", "File handles that are open."),
  MAX_HANDLES(Kind.GAUGE, "process_max_fds", "File handles that may be open."),
  JVM_INFO(Kind.INFO, "jvm_runtime", "Which JVM this is.", "version", "vendor", "runtime"),
  JVM_USED(Kind.GAUGE, "jvm_memory_used_bytes", "Memory that the JVM uses.", "area"),
  JVM_COMMITTED(
      Kind.GAUGE, "jvm_memory_committed_bytes", "Memory that it has from the system.", "area"),
  JVM_MAX(
      Kind.GAUGE,
      "jvm_memory_max_bytes",
      "Memory that it may use; +Inf where none is set.",
      "area"),
  JVM_BUFFERS(
      Kind.GAUGE,
      "jvm_buffer_pool_used_bytes",
      "Memory outside the heap in buffers: `netty` for sockets, `direct` for files.",
      "pool"),
  JVM_BUFFERS_MAX(
      Kind.GAUGE, "jvm_direct_memory_max_bytes", "Most that each of these pools may take."),
  JVM_GC(Kind.COUNTER, "jvm_gc_collections", "Collections of garbage.", "gc"),
  JVM_GC_TIME(Kind.COUNTER, "jvm_gc_collection_seconds", "Time that collections have taken.", "gc"),
  JVM_THREADS(Kind.GAUGE, "jvm_threads_current", "Threads."),
  JVM_THREADS_PEAK(Kind.GAUGE, "jvm_threads_peak", "Most threads there ever were at once.");

  /** What kind of numbers it has. */
  public enum Kind {
    /** Only grows; its series end in {@code _total}. */
    COUNTER,
    /** Goes up and down. */
    GAUGE,
    /** Durations in ranges; its series end in {@code _bucket}, {@code _sum} and {@code _count}. */
    HISTOGRAM,
    /** Always 1; what it says stands in its labels. Its series end in {@code _info}. */
    INFO
  }

  private final Kind kind;
  private final String base;
  private final String help;

  @SuppressWarnings("ImmutableEnumChecker") // It is made by List.of.
  private final List<String> labels;

  Metric(Kind kind, String base, String help, String... labels) {
    this.kind = kind;
    this.base = base;
    this.help = help;
    this.labels = List.of(labels);
  }

  public Kind kind() {
    return kind;
  }

  /** Its name without what its kind adds. */
  String base() {
    return base;
  }

  /** Its name as dashboards and alerts write it. */
  public String fullName() {
    return switch (kind) {
      case COUNTER -> base + "_total";
      case INFO -> base + "_info";
      case GAUGE, HISTOGRAM -> base;
    };
  }

  /** One or two sentences. */
  public String help() {
    return help;
  }

  /** Names of its labels. */
  public List<String> labels() {
    return labels;
  }
}
