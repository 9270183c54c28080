package io.pannier.server.access;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.query.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * All tokens as one text, which the store keeps ({@code docs/format.md}, "Tokens").
 *
 * @param wasInitialised whether {@code init-token} was ever made: it is not made again because
 *     somebody removed it
 * @param sealingKey what keys for links are made from; 32 bytes in hexadecimal digits
 * @param change a change of a bucket's name that was begun
 */
record TokenDocument(
    boolean wasInitialised,
    String sealingKey,
    Optional<BucketChange> change,
    List<StoredToken> tokens) {
  static final String NAME = "tokens";

  /** Of {@link #sealingKey}. */
  static final int KEY_BYTES = 32;

  private static final int FORMAT = 1;
  private static final JsonFactory FACTORY = new JsonFactory();

  /**
   * A bucket gets another name or goes away.
   *
   * @param to empty: it is removed
   */
  record BucketChange(String from, Optional<String> to) {}

  TokenDocument {
    tokens = List.copyOf(tokens);
  }

  // ---------------------------------------------------------------- write

  byte[] encode() {
    var out = new ByteArrayOutputStream(256 * (tokens.size() + 1));
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeNumberField("format", FORMAT);
      json.writeBooleanField("initialised", wasInitialised);
      json.writeStringField("sealing_key", sealingKey);
      if (change.isPresent()) {
        json.writeObjectFieldStart("bucket_change");
        json.writeStringField("from", change.get().from());
        json.writeStringField("to", change.get().to().orElse(null));
        json.writeEndObject();
      }
      json.writeArrayFieldStart("tokens");
      for (StoredToken token : tokens) {
        write(json, token);
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static void write(JsonGenerator json, StoredToken token) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", token.name());
    json.writeStringField("secret", token.secret().text());
    json.writeStringField("created_at", token.createdAt().toString());
    Permissions permissions = token.permissions();
    json.writeBooleanField("full_access", permissions.fullAccess());
    json.writeFieldName("read");
    json.writeArray(permissions.read().toArray(String[]::new), 0, permissions.read().size());
    json.writeFieldName("write");
    json.writeArray(permissions.write().toArray(String[]::new), 0, permissions.write().size());
    json.writeBooleanField("provisioned", token.isProvisioned());
    if (token.expiresAt().isPresent()) {
      json.writeStringField("expires_at", token.expiresAt().get().toString());
    }
    if (token.ttlSeconds().isPresent()) {
      json.writeFieldName("ttl");
      json.writeNumber(Long.toUnsignedString(token.ttlSeconds().getAsLong()));
    }
    String[] ranges = token.allowlist().stream().map(AddressRange::toString).toArray(String[]::new);
    json.writeFieldName("ip_allowlist");
    json.writeArray(ranges, 0, ranges.length);
    OptionalLong last = token.usage().lastMicros();
    if (last.isPresent()) {
      json.writeNumberField("last_access_us", last.getAsLong());
    }
    json.writeEndObject();
  }

  // ---------------------------------------------------------------- read

  /**
   * Reads what {@link #encode} wrote.
   *
   * @param generations numbers the tokens
   * @throws PannierException.Damaged when it is not that
   */
  static TokenDocument decode(byte[] text, LongSupplier generations) {
    try {
      ObjectNode root = Json.object(text);
      long format = Json.unsigned(root, "format").orElse(0);
      if (format != FORMAT) {
        throw new PannierException.Internal(
            "The tokens in the data folder were written by another version: format " + format,
            null);
      }
      var tokens = new ArrayList<StoredToken>();
      for (JsonNode node : root.withArray("tokens")) {
        tokens.add(token((ObjectNode) node, generations.getAsLong()));
      }
      return new TokenDocument(
          Json.flag(root, "initialised"),
          Json.requiredText(root, "sealing_key"),
          root.get("bucket_change") instanceof ObjectNode change
              ? Optional.of(
                  new BucketChange(Json.requiredText(change, "from"), Json.text(change, "to")))
              : Optional.empty(),
          tokens);
    } catch (PannierException.Invalid
        | IllegalArgumentException
        | DateTimeException
        | ClassCastException
        | UnsupportedOperationException malformed) {
      throw new PannierException.Damaged(
          "The tokens in the data folder cannot be read: " + malformed.getMessage());
    }
  }

  private static StoredToken token(ObjectNode node, long generation) {
    OptionalLong last = Json.unsigned(node, "last_access_us");
    return new StoredToken(
        Json.requiredText(node, "name"),
        generation,
        Secret.parse(Json.requiredText(node, "secret")),
        Instant.parse(Json.requiredText(node, "created_at")),
        new Permissions(
            Json.flag(node, "full_access"),
            Json.texts(node, "read").orElse(List.of()),
            Json.texts(node, "write").orElse(List.of())),
        Json.flag(node, "provisioned"),
        Json.text(node, "expires_at").map(Instant::parse),
        Json.unsigned(node, "ttl"),
        Json.texts(node, "ip_allowlist").orElse(List.of()).stream()
            .map(AddressRange::parse)
            .toList(),
        Usage.of(last));
  }
}
