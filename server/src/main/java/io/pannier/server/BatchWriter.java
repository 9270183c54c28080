package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.server.events.Usage;
import io.pannier.server.http.BodyReader;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.NewRecord;
import io.pannier.store.Upload;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Stores the records of a batch as their bytes arrive; on a worker. Each record is a write of its
 * own: what arrived whole is stored whatever becomes of the rest. Records go to the store in slices
 * of up to {@link #SLICE_MAX} bytes; a larger one is an upload.
 */
final class BatchWriter {
  /** Bytes of bodies that are stored in one go. */
  private static final int SLICE_MAX = 1 << 20;

  private final Buffers buffers;
  private final Usage usage;
  private final Bucket bucket;
  private final BatchRequest request;
  private final Optional<UUID> origin;
  private final @Nullable PannierException[] errors;

  /** What came last from the network and is not used up. */
  private @Nullable ByteBuffer rest;

  /** Bodies of the items from {@link #sliceFrom} up to, not including, {@link #sliceTo}. */
  private Buffers.@Nullable Lease slice;

  private int sliceFrom;
  private int sliceTo;
  private int sliceBytes;

  /**
   * @param origin id of the store that the records are copied from
   * @param errors one place per record, set where a record is refused
   */
  BatchWriter(
      Buffers buffers,
      Usage usage,
      Bucket bucket,
      BatchRequest request,
      Optional<UUID> origin,
      @Nullable PannierException[] errors) {
    this.buffers = buffers;
    this.usage = usage;
    this.bucket = bucket;
    this.request = request;
    this.origin = origin;
    this.errors = errors;
  }

  /**
   * Reads the body and stores what it brings.
   *
   * @throws PannierException.BadRequest when it ends early or stalls; what arrived whole is stored
   */
  void write(BodyReader body) {
    List<BatchItem> items = request.items();
    try {
      for (int i = 0; i < items.size(); i++) {
        BatchItem item = items.get(i);
        if (item.length() > SLICE_MAX) {
          storeSlice();
          upload(i, item, body);
          sliceFrom = i + 1;
          sliceTo = i + 1;
        } else {
          if (sliceBytes + item.length() > SLICE_MAX) {
            storeSlice();
          }
          readIntoSlice((int) item.length(), body);
          sliceTo = i + 1;
        }
      }
    } finally {
      // Also what arrived before the body broke off.
      try {
        storeSlice();
      } finally {
        if (slice != null) {
          slice.release();
        }
      }
    }
  }

  private void readIntoSlice(int length, BodyReader body) {
    ByteBuffer memory = slice().buffer();
    int end = sliceBytes + length;
    int at = sliceBytes;
    while (at < end) {
      ByteBuffer piece = piece(end - at, body);
      memory.put(at, piece, piece.position(), piece.remaining());
      at += piece.remaining();
    }
    sliceBytes = end;
  }

  private Buffers.Lease slice() {
    Buffers.Lease memory = slice;
    if (memory == null) {
      long small =
          request.items().stream().mapToLong(BatchItem::length).filter(n -> n <= SLICE_MAX).sum();
      memory = buffers.take((int) Math.min(SLICE_MAX, small));
      slice = memory;
    }
    return memory;
  }

  /** The next bytes of the body, at least one. */
  private ByteBuffer piece(long max, BodyReader body) {
    ByteBuffer now = rest;
    if (now == null || !now.hasRemaining()) {
      now = body.next();
      rest = now;
      if (now == null) {
        throw new PannierException.BadRequest(
            "Content is shorter than expected: no more data to read");
      }
    }
    int length = (int) Math.min(max, now.remaining());
    ByteBuffer piece = now.slice(now.position(), length);
    now.position(now.position() + length);
    return piece;
  }

  private void storeSlice() {
    for (int from = sliceFrom, at = 0; from < sliceTo; ) {
      int to = from;
      long shortest = Long.MAX_VALUE;
      var records = new ArrayList<NewRecord>();
      while (to < sliceTo && request.items().get(to).entry() == request.items().get(from).entry()) {
        BatchItem item = request.items().get(to);
        int length = (int) item.length();
        records.add(
            new NewRecord(
                item.timestamp(),
                item.contentType(),
                item.labels(),
                origin,
                slice().buffer().slice(at, length)));
        shortest = Math.min(shortest, length);
        at += length;
        to++;
      }
      var own = new @Nullable PannierException[records.size()];
      try {
        Entry entry = entry(from, shortest);
        entry.writeAll(records, own);
        for (int i = 0; i < own.length; i++) {
          if (own[i] == null) {
            usage.wrote(entry, records.get(i).body().remaining());
          }
        }
      } catch (PannierException e) {
        BatchRoutes.fillMissing(own, e);
      }
      System.arraycopy(own, 0, errors, from, own.length);
      from = to;
    }
    sliceFrom = sliceTo;
    sliceBytes = 0;
  }

  private Entry entry(int item, long recordBytes) {
    return bucket.entryForWrite(
        request.entries().get(request.items().get(item).entry()), recordBytes);
  }

  /**
   * Stores a large record. When it is refused its bytes are read all the same, for others follow.
   */
  private void upload(int index, BatchItem item, BodyReader body) {
    Upload upload = null;
    Entry entry = null;
    try {
      try {
        entry = entry(index, item.length());
        upload =
            entry.beginUpload(
                item.timestamp(), item.contentType(), item.labels(), origin, item.length());
      } catch (PannierException e) {
        errors[index] = e;
      }
      for (long left = item.length(); left > 0; ) {
        ByteBuffer piece = piece(left, body);
        left -= piece.remaining();
        if (upload != null && errors[index] == null) {
          try {
            upload.write(piece);
          } catch (PannierException e) {
            errors[index] = e;
            upload.abort();
          }
        }
      }
      if (upload != null && errors[index] == null) {
        try {
          upload.commit();
          usage.wrote(Objects.requireNonNull(entry), item.length());
        } catch (PannierException e) {
          errors[index] = e;
        }
      }
    } finally {
      if (upload != null) {
        upload.abort();
      }
    }
  }
}
