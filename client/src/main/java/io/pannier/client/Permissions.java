package io.pannier.client;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a token may do.
 *
 * @param fullAccess everything
 * @param read buckets that it may read; {@code *} at the end stands for any rest
 * @param write buckets that it may write
 */
public record Permissions(boolean fullAccess, List<String> read, List<String> write) {
  public Permissions {
    read = List.copyOf(read);
    write = List.copyOf(write);
  }

  /** Everything. */
  public static Permissions full() {
    return new Permissions(true, List.of(), List.of());
  }

  /** Reading these buckets. */
  public static Permissions reading(String... buckets) {
    return new Permissions(false, List.of(buckets), List.of());
  }

  /** Also writing these buckets. */
  public Permissions andWriting(String... buckets) {
    return new Permissions(fullAccess, read, List.of(buckets));
  }

  Map<String, @Nullable Object> json() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("full_access", fullAccess);
    json.put("read", read);
    json.put("write", write);
    return json;
  }

  static Permissions of(Map<String, @Nullable Object> json) {
    return new Permissions(
        Json.flag(json, "full_access"), Json.texts(json, "read"), Json.texts(json, "write"));
  }
}
