package io.pannier.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyManager;
import org.postgresql.copy.CopyOut;

/**
 * Puts the loads of {@link LoadDriver} on a PostgreSQL: same options, same report. A thread per
 * connection.
 *
 * <p>Records are rows of {@code records (entry text, ts bigint, labels jsonb, body bytea, primary
 * key (entry, ts))}, bodies uncompressed. A batch is one binary COPY, as is a single record of 10
 * KB and more; a smaller one is an INSERT, which takes fewer turns. Each is a transaction of its
 * own. A read is a SELECT by entry and time; a query a binary COPY of an entry's rows in the order
 * of time, with the SQL condition of {@code --when}. The user is {@code bench}, without password,
 * and so is the database.
 */
public final class PostgresDriver {
  private static final int INSERTED = 10_000;

  /** So many rows of a query count as an answer. */
  private static final int TICK_ROWS = 1000;

  private static final String TABLE =
      """
      CREATE TABLE IF NOT EXISTS records
        (entry text, ts bigint, labels jsonb, body bytea, PRIMARY KEY (entry, ts))
      """;
  private static final byte[] COPY_HEAD =
      "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);

  private final DriverOptions options;
  private final Meter meter;
  private final Workload.Sequence sequence = new Workload.Sequence();
  private final Workload.Contents contents;
  private final Workload.Scatter scatter = new Workload.Scatter(7);
  private volatile boolean givenUp;

  private PostgresDriver(DriverOptions options, Meter meter) {
    this.options = options;
    this.meter = meter;
    contents = new Workload.Contents(options);
  }

  /** Runs the driver and ends the process. */
  public static void main(String[] arguments) {
    System.exit(run(System.out, System.err, arguments));
  }

  private static int run(PrintStream out, PrintStream err, String... arguments) {
    try {
      var options = DriverOptions.parse(arguments);
      if (options.help) {
        out.print(DriverOptions.HELP);
        return 0;
      }
      var outcome = measure(options);
      LoadDriver.show(out, err, options, outcome);
      return outcome.clean() ? 0 : 1;
    } catch (DriverOptions.UsageException e) {
      err.println("PostgresDriver: " + e.getMessage() + "; see --help");
      return 2;
    } catch (IOException | SQLException e) {
      err.println("PostgresDriver: " + e);
      return 1;
    }
  }

  private static LoadDriver.Outcome measure(DriverOptions options)
      throws IOException, SQLException, DriverOptions.UsageException {
    var self = ProcessProbe.ofSelf();
    Optional<ProcessProbe> server =
        options.pid.isPresent()
            ? Optional.of(ProcessProbe.ofTree(options.pid.getAsLong()))
            : Optional.empty();
    try (var connection = connect(options);
        var statement = connection.createStatement()) {
      statement.execute(TABLE);
      // What does not compress need not be tried.
      statement.execute("ALTER TABLE records ALTER COLUMN body SET STORAGE EXTERNAL");
    }
    if (options.fill > 0) {
      fill(options, self);
    }
    var meter = new Meter(self, server);
    var driver = new PostgresDriver(options, meter);
    Optional<String> abortion = Optional.empty();
    try {
      driver.run();
    } catch (SQLException e) {
      abortion = Optional.of(e.toString());
    }
    if (driver.givenUp) {
      abortion = Optional.of(meter.failures + " operations failed");
    }
    return LoadDriver.outcome(options, meter, driver.sequence, server, abortion);
  }

  private static void fill(DriverOptions options, ProcessProbe self)
      throws IOException, SQLException, DriverOptions.UsageException {
    var meter = new Meter(self, Optional.empty());
    DriverOptions writes = options.forFilling((options.fill + options.batch - 1) / options.batch);
    new PostgresDriver(writes, meter).run();
    if (meter.failures > 0) {
      throw new IOException("filling failed: " + meter.firstError);
    }
    try (var connection = connect(options);
        var statement = connection.createStatement()) {
      statement.execute("VACUUM ANALYZE records");
    }
  }

  /** Statements are prepared, and values come in binary, from the first time on. */
  private static java.sql.Connection connect(DriverOptions options) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://%s:%d/bench?user=bench&sslmode=disable&gssEncMode=disable&prepareThreshold=-1&socketTimeout=%d"
            .formatted(options.host, options.port, options.timeoutNanos / 1_000_000_000L));
  }

  private void run() throws IOException, SQLException {
    var sessions = new ArrayList<Session>();
    try {
      for (int i = 0; i < options.connections; i++) {
        sessions.add(new Session(connect(options)));
      }
      long warmupBytes = options.maxBytes == Long.MAX_VALUE ? Long.MAX_VALUE : options.maxBytes / 4;
      if (options.warmupNanos > 0) {
        phase(sessions, false, options.warmupNanos, Long.MAX_VALUE, warmupBytes);
      }
      meter.begin();
      phase(sessions, true, options.measuredNanos, options.operations, options.maxBytes);
    } finally {
      meter.end();
      meter.driverThreadNanos = meter.driverProcessNanos;
      for (Session session : sessions) {
        session.connection.close();
      }
    }
  }

  private void phase(
      List<Session> sessions, boolean measured, long nanos, long operations, long bytes) {
    long end = System.nanoTime() + nanos;
    var operationsLeft = new AtomicLong(operations);
    var bytesLeft = new AtomicLong(bytes);
    var threads = new ArrayList<Thread>();
    for (Session session : sessions) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                while (!givenUp
                    && System.nanoTime() - end < 0
                    && bytesLeft.get() > 0
                    && operationsLeft.getAndDecrement() > 0) {
                  bytesLeft.addAndGet(-operate(session, measured));
                }
              }));
    }
    for (Thread thread : threads) {
      boolean over = false;
      while (!over) {
        try {
          thread.join();
          over = true;
        } catch (InterruptedException _) {
          givenUp = true;
        }
      }
    }
  }

  /** One operation; answers how many bytes of payload it moved. */
  private long operate(Session session, boolean measured) {
    long begun = System.nanoTime();
    try {
      Moved moved = session.operate(begun);
      long now = System.nanoTime();
      synchronized (meter) {
        meter.tick(now);
        if (measured) {
          meter.operations++;
          meter.requests++;
          meter.records += moved.records;
          meter.bytes += moved.bytes;
          meter.latency.record(now - begun);
          if (moved.firstNanos >= 0) {
            meter.firstRecord.record(moved.firstNanos);
          }
        }
      }
      return moved.bytes;
    } catch (SQLException | RuntimeException e) {
      synchronized (meter) {
        meter.tick(System.nanoTime());
        meter.failure(0, e.toString());
        givenUp |= meter.failures >= options.maxErrors || e instanceof RuntimeException;
      }
      return 0;
    }
  }

  /** What an operation moved, and after how many ns its first record was there; -1: not known. */
  private record Moved(long records, long bytes, long firstNanos) {}

  /** One connection to the database. */
  private final class Session {
    private final java.sql.Connection connection;
    private final CopyManager copies;
    private final PreparedStatement insert;
    private final PreparedStatement select;
    private final byte[] body;
    private final byte[] expected;
    private final ByteBuffer rows;

    Session(java.sql.Connection connection) throws SQLException {
      this.connection = connection;
      copies = connection.unwrap(PGConnection.class).getCopyAPI();
      insert = connection.prepareStatement("INSERT INTO records VALUES (?, ?, NULL, ?)");
      select = connection.prepareStatement("SELECT body FROM records WHERE entry = ? AND ts = ?");
      body = new byte[options.size];
      expected = new byte[options.size];
      contents.common().get(body);
      boolean whole = options.batch > 1;
      rows = ByteBuffer.allocate(whole ? options.batch * (options.size + 512) + 64 : 1024);
    }

    Moved operate(long begun) throws SQLException {
      return switch (options.workload) {
        case "write", "write-batch" -> write();
        case "read" -> read();
        case "query" -> query(begun);
        default -> throw new IllegalArgumentException(options.workload);
      };
    }

    private Moved write() throws SQLException {
      long number;
      synchronized (sequence) {
        number = sequence.take(options.batch);
      }
      if (options.batch > 1) {
        rows.clear().put(COPY_HEAD);
        for (int i = 0; i < options.batch; i++) {
          row(number + i).put(body);
        }
        rows.putShort((short) -1);
        CopyIn copy = begin();
        copy.writeToCopy(rows.array(), 0, rows.position());
        end(copy, options.batch);
      } else {
        if (options.verify) {
          contents.of(number).get(body);
        }
        if (options.size < INSERTED) {
          insert.setString(1, entry(number));
          insert.setLong(2, options.firstTs + number * options.step);
          insert.setBytes(3, body);
          check(insert.executeUpdate(), 1);
        } else {
          rows.clear().put(COPY_HEAD);
          var _ = row(number);
          CopyIn copy = begin();
          copy.writeToCopy(rows.array(), 0, rows.position());
          copy.writeToCopy(body, 0, body.length);
          copy.writeToCopy(new byte[] {-1, -1}, 0, 2);
          end(copy, 1);
        }
      }
      return new Moved(options.batch, options.requestBytes(), -1);
    }

    private CopyIn begin() throws SQLException {
      return copies.copyIn("COPY records FROM STDIN (FORMAT binary)");
    }

    private void end(CopyIn copy, int wanted) throws SQLException {
      check(copy.endCopy(), wanted);
    }

    private void check(long found, long wanted) throws SQLException {
      if (found != wanted) {
        throw new SQLException(found + " records instead of " + wanted);
      }
    }

    /** Puts all of a row but the bytes of its body. */
    private ByteBuffer row(long number) {
      byte[] entry = entry(number).getBytes(StandardCharsets.US_ASCII);
      rows.putShort((short) 4).putInt(entry.length).put(entry);
      rows.putInt(8).putLong(options.firstTs + number * options.step);
      if (options.counters.isEmpty() && options.labels.isEmpty()) {
        rows.putInt(-1);
      } else {
        byte[] labels = labels(number).getBytes(StandardCharsets.UTF_8);
        rows.putInt(labels.length + 1).put((byte) 1).put(labels);
      }
      return rows.putInt(options.size);
    }

    private String labels(long number) {
      var json = new java.util.StringJoiner(",", "{", "}");
      options.labels.forEach((name, value) -> json.add("\"" + name + "\":\"" + value + "\""));
      options.counters.forEach(
          (name, modulus) -> json.add("\"" + name + "\":\"" + number % modulus + "\""));
      return json.toString();
    }

    private String entry(long number) {
      return "e" + number / options.batch % options.entries;
    }

    private Moved read() throws SQLException {
      long number;
      synchronized (scatter) {
        number = scatter.below(options.records);
      }
      select.setString(1, entry(number));
      select.setLong(2, options.firstTs + number * options.step);
      try (ResultSet found = select.executeQuery()) {
        if (!found.next()) {
          throw new SQLException("no record " + number);
        }
        byte[] bytes = found.getBytes(1);
        if (options.verify) {
          contents.of(number).get(expected);
          if (!java.util.Arrays.equals(bytes, expected)) {
            throw new SQLException("the content is not what was written");
          }
        }
        return new Moved(1, bytes.length, -1);
      }
    }

    private Moved query(long begun) throws SQLException {
      String condition = options.when.isEmpty() ? "" : " AND " + options.when;
      CopyOut copy =
          copies.copyOut(
              "COPY (SELECT ts, labels, body FROM records WHERE entry = 'e0'"
                  + condition
                  + " ORDER BY ts) TO STDOUT (FORMAT binary)");
      long records = 0;
      long bytes = 0;
      long first = -1;
      byte[] row = copy.readFromCopy();
      // The head of the format comes together with the first row.
      int at = COPY_HEAD.length;
      while (row != null) {
        ByteBuffer fields = ByteBuffer.wrap(row);
        fields.position(at);
        if (fields.remaining() > 2 && fields.getShort() == 3) {
          if (records == 0) {
            first = System.nanoTime() - begun;
          }
          records++;
          if (records % TICK_ROWS == 0) {
            synchronized (meter) {
              meter.tick(System.nanoTime());
            }
          }
          skip(fields);
          skip(fields);
          bytes += fields.getInt();
        }
        at = 0;
        row = copy.readFromCopy();
      }
      if (options.expect >= 0) {
        check(records, options.expect);
      }
      return new Moved(records, bytes, first);
    }

    private void skip(ByteBuffer fields) {
      int length = fields.getInt();
      fields.position(fields.position() + Math.max(0, length));
    }
  }
}
