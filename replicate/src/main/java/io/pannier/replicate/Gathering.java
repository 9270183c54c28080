package io.pannier.replicate;

import io.pannier.client.Outgoing;
import io.pannier.client.RemoteStore;
import io.pannier.model.PannierException;
import io.pannier.store.RecordBody;
import io.pannier.store.RecordRun;
import io.pannier.store.StoredRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Makes a batch: reads the bodies of small records, verified, into memory. A large one travels
 * alone and is read while it is sent.
 */
final class Gathering implements AutoCloseable {
  /** Bodies up to this length are read before they are sent. */
  private static final int SMALL_MAX = RecordBody.WHOLE_MAX;

  private final long smallMax;

  private final long bytesMax;
  private final RecordRun run = new RecordRun(() -> ByteBuffer.allocate(RecordRun.WINDOW));
  private ByteBuffer scratch = ByteBuffer.allocate(0);

  /**
   * @param bytesMax bytes of bodies after which a batch is closed
   * @param resumeBytes records from this length on travel alone in any case
   */
  Gathering(long bytesMax, long resumeBytes) {
    this.bytesMax = bytesMax;
    smallMax = Math.min(SMALL_MAX, resumeBytes - 1);
  }

  /**
   * The first of the records, as many as fit into one request.
   *
   * @param unreadable hears of those that cannot be read; they are left out
   */
  List<Sender.Prepared> gather(
      List<Track.Item> items, BiConsumer<Track.Item, PannierException> unreadable) {
    var batch = new ArrayList<Sender.Prepared>();
    var times = new HashSet<Long>();
    long bytes = 0;
    for (Track.Item item : items) {
      StoredRecord record = item.record();
      boolean large = record.length() > smallMax;
      boolean alone = large || !RemoteStore.fitsBatch(record.labels());
      if ((alone && !batch.isEmpty()) || bytes >= bytesMax) {
        break;
      }
      if (!times.add(record.timestamp())) {
        continue; // one request names a time once; the other one comes with the next
      }
      try {
        batch.add(
            new Sender.Prepared(
                item,
                new Outgoing(
                    record.timestamp(),
                    record.contentType(),
                    record.labels(),
                    large ? Bodies.streamed(record) : Bodies.of(read(record)))));
      } catch (PannierException failed) {
        unreadable.accept(item, failed);
        continue;
      }
      bytes += record.length();
      if (alone) {
        break;
      }
    }
    return batch;
  }

  private byte[] read(StoredRecord record) {
    int frame = RecordRun.frameBytes(record);
    if (scratch.capacity() < frame) {
      scratch = ByteBuffer.allocate(Math.max(frame, 2 * scratch.capacity()));
    }
    ByteBuffer body = run.read(record, scratch.clear());
    var bytes = new byte[body.remaining()];
    body.get(bytes);
    return bytes;
  }

  @Override
  public void close() {
    run.close();
  }
}
