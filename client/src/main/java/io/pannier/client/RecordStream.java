package io.pannier.client;

import io.pannier.model.Timestamp;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * Records of a query as they come; close it. A record is valid until the next one is asked for.
 *
 * <p>When an answer is lost on the way, or the store has forgotten the query, the query is asked
 * again from where it was, and records that were given out before are passed over: every record
 * comes once. That is not possible for conditions with memory ({@link When#eachN} and its kin) and
 * for extensions: then the error is passed on. One thread at a time.
 *
 * <p>
 *
 * {@snippet class="ClientExamplesTest" region="query"}
 */
public final class RecordStream implements Iterator<StoredRecord>, AutoCloseable {
  /** Bodies up to this size are taken whole before they are given out. */
  private static final long WHOLE_MAX = 1 << 20;

  /** How often the query is asked again without a single record in between. */
  private static final int RESUMES_MAX = 5;

  private static final int IDLE_PAUSE_MILLIS = 200;

  private final Api api;
  private final String bucket;
  private final List<String> entries;
  private final QueryOptions options;
  private final boolean isSingle;
  private final boolean canResume;

  private String id = "";
  private Transport.@Nullable Open batch;
  private final Deque<RecordInfo> announced = new ArrayDeque<>();
  private @Nullable Large large;
  private @Nullable StoredRecord next;
  private boolean isLast;
  private boolean isLost;
  private boolean closed;

  // Where an interrupted query goes on.
  private long safe;
  private boolean anySafe;
  private long newest;
  private final Set<RecordKey> given = new HashSet<>();
  private final Map<String, Long> counts = new HashMap<>();
  private int resumes;

  /**
   * Asks.
   *
   * @param mayBeAbsent whether the one entry need not be there
   */
  RecordStream(
      Api api, String bucket, List<String> entries, QueryOptions options, boolean mayBeAbsent) {
    this.api = api;
    this.bucket = bucket;
    this.entries = List.copyOf(entries);
    this.options = options;
    isSingle =
        entries.size() == 1
            && !mayBeAbsent
            && entries.getFirst().indexOf('*') < 0
            && !entries.getFirst().startsWith("!")
            && !entries.getFirst().endsWith("$meta");
    When condition = options.when().orElseGet(When::always);
    canResume = !condition.hasMemory() && !condition.hasExtension();
    if (!isSingle) {
      api.require(18, "A query over several entries");
    }
    ask(options);
  }

  private void ask(QueryOptions wanted) {
    Map<String, @Nullable Object> answer;
    if (!isSingle) {
      answer =
          api.object(
              api.request(
                  "POST", "io/" + Api.segment(bucket) + "/q", wanted.body("QUERY", entries)),
              Repeat.ALWAYS);
    } else if (api.minor() >= 13) {
      answer =
          api.object(
              api.request("POST", path() + "/q", wanted.body("QUERY", List.of())), Repeat.ALWAYS);
    } else {
      answer =
          api.object(api.request("GET", path() + "/q" + Old.parameters(wanted)), Repeat.ALWAYS);
    }
    Object number = answer.get("id");
    if (number == null) {
      throw new ClientException.Broken("The store did not name its query", null);
    }
    id = number.toString();
  }

  private String path() {
    return Api.entryPath(bucket, entries.getFirst());
  }

  @Override
  public boolean hasNext() {
    while (next == null && !closed) {
      next = advance();
      if (next == null && isLast && announced.isEmpty()) {
        close();
      }
    }
    return next != null;
  }

  @Override
  public StoredRecord next() {
    if (!hasNext() || next == null) {
      throw new NoSuchElementException("the query is at its end");
    }
    StoredRecord record = next;
    next = null;
    return record;
  }

  /** The next record; null when it takes another look. */
  private @Nullable StoredRecord advance() {
    try {
      leaveLarge();
      if (isLost) {
        resume(new ClientException.Broken("The answer was cut off", null));
      }
      if (announced.isEmpty()) {
        endBatch();
        if (isLast || !fetch()) {
          return null;
        }
      }
      RecordInfo info = announced.peekFirst();
      if (info == null) {
        return null;
      }
      InputStream body = bodyOf(info);
      announced.removeFirst();
      if (!accept(info)) {
        body.close();
        return null;
      }
      resumes = 0;
      return new StoredRecord(info, body);
    } catch (ClientException.Refused refused) {
      boolean isForgotten =
          refused.code() == 404 && String.valueOf(refused.getMessage()).startsWith("Query ");
      if (!isForgotten) {
        close();
        throw refused;
      }
      resume(refused);
      return null;
    } catch (ClientException cut) {
      resume(cut);
      return null;
    } catch (IOException cut) {
      resume(new ClientException.Broken("The answer was cut off: " + cut.getMessage(), cut));
      return null;
    }
  }

  /** Whether the record is new to the caller. */
  private boolean accept(RecordInfo info) {
    var key = new RecordKey(info.entry(), info.timestamp());
    if (!given.add(key)) {
      return false;
    }
    newest = newest == 0 ? info.timestamp() : Timestamp.max(newest, info.timestamp());
    long count = counts.merge(info.entry(), 1L, Long::sum);
    return options.limit().isEmpty() || count <= options.limit().getAsLong();
  }

  private InputStream bodyOf(RecordInfo info) throws IOException {
    if (options.onlyMetadata()) {
      return InputStream.nullInputStream();
    }
    Transport.Open open = java.util.Objects.requireNonNull(batch);
    if (info.length() <= WHOLE_MAX) {
      byte[] bytes = open.body().readNBytes((int) info.length());
      if (bytes.length < info.length()) {
        throw new IOException("connection was closed in the middle of a record");
      }
      return new java.io.ByteArrayInputStream(bytes);
    }
    large = new Large(info, open.body());
    return large;
  }

  private void leaveLarge() throws IOException {
    Large left = large;
    large = null;
    if (left != null && !isLost) {
      if (announced.isEmpty()) {
        endBatch();
      } else {
        left.skip(Long.MAX_VALUE);
      }
    }
  }

  private void endBatch() {
    if (batch != null) {
      batch.close();
      batch = null;
      long until = newest;
      // Later batches hold nothing older. What has the same time may still come.
      given.removeIf(key -> Timestamp.isBefore(key.timestamp(), until));
      safe = until;
      anySafe = anySafe || !given.isEmpty();
    }
  }

  /** Fetches a batch; false when there is none now. */
  private boolean fetch() {
    String method = options.onlyMetadata() ? "HEAD" : "GET";
    HttpRequest request =
        isSingle
            ? api.request(method, path() + "/batch?q=" + id)
            : api.request(method, "io/" + Api.segment(bucket) + "/read")
                .header("x-reduct-query-id", id);
    Transport.Open open = api.transport().open(request, Repeat.NEVER);
    if (open.head().status() == 204) {
      open.close();
      if (options.continuous()) {
        pause();
      } else {
        isLast = true;
      }
      return false;
    }
    batch = open;
    List<RecordInfo> records =
        isSingle
            ? ReplyBatch.ofEntry(entries.getFirst(), open.head())
            : ReplyBatch.ofMany(open.head());
    announced.addAll(records);
    isLast = !options.continuous() && "true".equals(open.head().header("x-reduct-last"));
    if (records.isEmpty() && options.continuous()) {
      pause();
    }
    return !records.isEmpty();
  }

  private void pause() {
    try {
      Thread.sleep(IDLE_PAUSE_MILLIS);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      close();
    }
  }

  private void resume(ClientException why) {
    isLost = false;
    large = null;
    announced.clear();
    isLast = false;
    if (batch != null) {
      batch.close();
      batch = null;
    }
    if (!canResume || ++resumes > RESUMES_MAX || Thread.currentThread().isInterrupted()) {
      close();
      throw why;
    }
    for (var entry : counts.entrySet()) {
      if (options.limit().isPresent()) {
        entry.setValue(Math.min(entry.getValue(), options.limit().getAsLong()));
      }
    }
    QueryOptions rest = anySafe ? options.from(safe) : options;
    if (options.limit().isPresent()) {
      // The store counts anew, also the records at the seam that are passed over here.
      rest = rest.limit(options.limit().getAsLong() + given.size());
    }
    ask(rest);
  }

  /** The records as a Java stream, which closes this one. */
  public Stream<StoredRecord> stream() {
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED | Spliterator.NONNULL),
            false)
        .onClose(this::close);
  }

  @Override
  public void close() {
    closed = true;
    isLast = true;
    announced.clear();
    if (batch != null) {
      batch.close();
      batch = null;
    }
  }

  /** The body of a large record, read as it comes, and from the record itself after a cut. */
  private final class Large extends InputStream {
    private final RecordInfo info;
    private InputStream in;
    private Transport.@Nullable Open again;
    private long position;
    private int attempts;

    Large(RecordInfo info, InputStream in) {
      this.info = info;
      this.in = in;
    }

    @Override
    public int read() throws IOException {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      while (position < info.length()) {
        try {
          int got = in.read(bytes, from, (int) Math.min(length, info.length() - position));
          if (got > 0) {
            position += got;
            return got;
          }
          throw new IOException("connection was closed in the middle of a record");
        } catch (IOException cut) {
          if (!canResume || closed || ++attempts > RESUMES_MAX) {
            throw cut;
          }
          reopen(cut);
        }
      }
      if (again != null) {
        again.close();
        again = null;
      }
      return -1;
    }

    private void reopen(IOException cut) throws IOException {
      isLost = true;
      if (again != null) {
        again.close();
      }
      try {
        again =
            api.transport()
                .open(api.record("GET", bucket, info.entry(), info.timestamp()), Repeat.ALWAYS);
        in = again.body();
        in.skipNBytes(position);
      } catch (ClientException gone) {
        cut.addSuppressed(gone);
        throw cut;
      }
    }

    @Override
    public void close() {
      if (again != null) {
        again.close();
        again = null;
        position = info.length();
      }
    }
  }

  /** Queries as stores before 1.13 take them. */
  static final class Old {
    private Old() {}

    static String parameters(QueryOptions wanted) {
      if (wanted.when().isPresent()) {
        throw new ClientException.Unsupported("A condition needs API 1.13; the store is older");
      }
      var text = new StringBuilder("?ttl=").append(Math.max(1, wanted.ttl().toSeconds()));
      wanted.start().ifPresent(micros -> text.append("&start=").append(Timestamp.toString(micros)));
      wanted.stop().ifPresent(micros -> text.append("&stop=").append(Timestamp.toString(micros)));
      wanted.limit().ifPresent(records -> text.append("&limit=").append(records));
      if (wanted.continuous()) {
        text.append("&continuous=true");
      }
      return text.toString();
    }
  }
}
