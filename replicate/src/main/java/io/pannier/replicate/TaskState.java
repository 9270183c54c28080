package io.pannier.replicate;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.pannier.query.when.Condition;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/**
 * The bytes of a task's state, the content of its document ({@code docs/format.md},
 * "Replications").
 */
final class TaskState {
  private static final int VERSION = 2;
  private static final ObjectMapper JSON = new ObjectMapper();

  private TaskState() {}

  /**
   * Writes a state.
   *
   * @param written gets the position of each track that it is the state of
   */
  static byte[] write(
      Task task, Map<Integer, Track> tracks, Diagnostics diagnostics, Map<Track, Long> written) {
    var bytes = new ByteArrayOutputStream();
    try (var out = new DataOutputStream(new DeflaterOutputStream(bytes))) {
      out.writeInt(VERSION);
      Bucket source = task.source();
      out.writeInt(source == null ? 0 : source.id());
      byte[] condition = task.plan().conditionText().getBytes(StandardCharsets.UTF_8);
      out.writeInt(condition.length);
      out.write(condition);
      var some = Map.copyOf(tracks);
      out.writeInt(some.size());
      for (var track : some.entrySet()) {
        out.writeInt(track.getKey());
        written.put(track.getValue(), track.getValue().write(out));
      }
      // Behind the tracks, which may have heard of more losses just now.
      diagnostics.write(out);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return bytes.toByteArray();
  }

  /**
   * Reads a state into a task whose source is not known yet.
   *
   * @return whether it speaks of what a loss of power has taken
   */
  static boolean read(byte[] bytes, Task task) throws IOException {
    boolean cut = false;
    try (var in = new DataInputStream(new InflaterInputStream(new ByteArrayInputStream(bytes)))) {
      int version = in.readInt();
      if (version != VERSION) {
        throw new IOException("state of version " + version);
      }
      int bucketId = in.readInt();
      byte[] text = in.readNBytes(in.readInt());
      String conditionText = new String(text, StandardCharsets.UTF_8);
      Condition condition =
          conditionText.isEmpty() ? Condition.ALL : Condition.parse(JSON.readTree(conditionText));
      Map<Integer, Entry> entries = new HashMap<>();
      for (Bucket bucket : task.store().buckets()) {
        if (bucket.id() == bucketId) {
          bucket.entries().forEach(entry -> entries.put(entry.id(), entry));
          task.attach(bucket);
        }
      }
      cut = bucketId != 0 && task.source() == null;
      boolean changed = !conditionText.equals(task.plan().conditionText());
      for (int left = in.readInt(); left > 0; left--) {
        Entry entry = entries.get(in.readInt());
        Track track = Track.read(in, entry, task::wants, task.diagnostics(), condition);
        if (track == null) {
          cut = true;
          continue;
        }
        cut |= track.cutToEntry();
        if (changed) {
          track.change(task.plan().condition());
        }
        task.restored(track);
      }
      task.diagnostics().read(in);
    }
    return cut;
  }
}
