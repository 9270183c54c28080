package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Work;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engines of this server: started when they are needed, as many as the machine has processors
 * and at most {@link #ENGINES_MAX}; who comes when all are at work waits. For any thread that may
 * block.
 */
public final class SqlEngines {
  private static final Logger LOG = LoggerFactory.getLogger(SqlEngines.class);
  private static final int ENGINES_MAX = 4;
  private static final long WAIT_MILLIS = 100;
  private static final SqlEngines SHARED = new SqlEngines();

  /** Engines that have nothing to do; the one used last first. */
  private final ArrayDeque<EngineProcess> idle = new ArrayDeque<>();

  private final Semaphore room =
      new Semaphore(Math.clamp(Runtime.getRuntime().availableProcessors(), 1, ENGINES_MAX), true);

  private SqlEngines() {}

  /** Those of this process. */
  public static SqlEngines shared() {
    return SHARED;
  }

  /**
   * Longest content that an engine takes, and longest result it gives, in bytes: half the memory of
   * a query.
   */
  public static int contentMax(Work work) {
    return EngineProcess.contentMax(memory(work));
  }

  /** Runs a statement over the content of a record. */
  public SqlResult run(SqlRequest request, byte[] content, Work work) throws SqlException {
    return SqlResult.of(ask(request.head(), content, work));
  }

  /** Some rows of a file of Parquet. */
  public static final class Piece {
    private final byte[] file;
    private final long from;
    private final long to;

    /**
     * Rows of a file.
     *
     * @param to the first row behind them
     */
    public Piece(byte[] file, long from, long to) {
      this.file = file;
      this.from = from;
      this.to = to;
    }
  }

  /** One file of Parquet of rows of several, which have the same columns. */
  public byte[] merge(List<Piece> pieces, Work work) throws SqlException {
    ObjectNode head = Frames.MAPPER.createObjectNode();
    ArrayNode listed = head.putArray("pieces");
    long length = 0;
    for (Piece piece : pieces) {
      listed
          .addObject()
          .put("bytes", piece.file.length)
          .put("from", piece.from)
          .put("to", piece.to);
      length += piece.file.length;
    }
    if (length > contentMax(work)) {
      throw new SqlException(
          false, "the rows of an output take more than " + contentMax(work) + " bytes");
    }
    byte[] all = new byte[(int) length];
    int at = 0;
    for (Piece piece : pieces) {
      System.arraycopy(piece.file, 0, all, at, piece.file.length);
      at += piece.file.length;
    }
    return ask(head, all, work).content();
  }

  private Reply ask(ObjectNode head, byte[] content, Work work) throws SqlException {
    enter(work);
    try {
      while (true) {
        EngineProcess engine = takeIdle();
        boolean fresh = engine == null;
        try {
          if (engine == null) {
            engine = EngineProcess.start(memory(work));
          }
          Reply reply = engine.ask(head, content, work);
          if (engine.stoppedBecause().isPresent()) {
            // It was ended at the very moment it answered.
            engine.end();
          } else {
            synchronized (idle) {
              idle.addFirst(engine);
            }
          }
          return checked(reply);
        } catch (IOException e) {
          if (engine != null) {
            engine.end();
            if (!fresh && engine.stoppedBecause().isEmpty()) {
              // It had nothing to do for so long that it went.
              continue;
            }
            if (engine.stoppedBecause().isPresent()) {
              work.check();
              throw new SqlException(false, engine.stoppedBecause().get());
            }
          }
          LOG.atWarn()
              .addKeyValue("cause", e.getMessage())
              .addKeyValue("said", engine == null ? "" : engine.lastWords())
              .log("SQL engine failed");
          if (engine == null) {
            throw new PannierException.Internal("The SQL engine does not start", e);
          }
          throw new SqlException(false, "the engine broke off over this record");
        } catch (RuntimeException | Error e) {
          if (engine != null) {
            engine.end();
          }
          throw e;
        }
      }
    } finally {
      room.release();
    }
  }

  private void enter(Work work) {
    try {
      while (!room.tryAcquire(WAIT_MILLIS, TimeUnit.MILLISECONDS)) {
        work.check();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PannierException.Unavailable("The server is about to stop", 1);
    }
  }

  private @Nullable EngineProcess takeIdle() {
    synchronized (idle) {
      return idle.pollFirst();
    }
  }

  private static Reply checked(Reply reply) throws SqlException {
    String error = reply.head().path("error").asText("");
    if (error.isEmpty()) {
      return reply;
    }
    Reply.Fault fault = Reply.Fault.valueOf(reply.head().path("fault").asText());
    throw new SqlException(fault == Reply.Fault.CONTENT, error);
  }

  /** An engine may take four times what the query may: it stands beside the server, not in it. */
  private static long memory(Work work) {
    return 4
        * Math.clamp(
            work.memoryBytes(), EngineProcess.MEMORY_MIN / 4, EngineProcess.MEMORY_MAX / 4);
  }
}
