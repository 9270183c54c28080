package io.pannier.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.query.Json;
import io.pannier.server.access.IssuedToken;
import io.pannier.server.access.NewToken;
import io.pannier.server.access.Permissions;
import io.pannier.server.access.TokenInfo;
import io.pannier.server.http.Response;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Tokens (http-api.md §7). */
final class TokenRoutes {
  private static final Set<String> FIELDS =
      Set.of("permissions", "expires_at", "ttl", "ip_allowlist");
  private static final Set<String> OLD_FIELDS =
      Set.of("full_access", "read", "write", "ip_allowlist");

  private final Context context;

  TokenRoutes(Context context) {
    this.context = context;
  }

  void list(Call call) {
    call.respond(
        JsonText.object(json -> {
          json.writeArrayFieldStart("tokens");
          for (TokenInfo token : context.tokens().list()) {
            json.writeStartObject();
            write(json, token);
            json.writeEndObject();
          }
          json.writeEndArray();
        }));
  }

  void get(Call call) {
    TokenInfo token = context.tokens().find(call.bucket());
    call.respond(JsonText.object(json -> write(json, token)));
  }

  void create(Call call) {
    call.receiveText(body -> issued(call, context.tokens().create(call.bucket(), parse(body))));
  }

  void rotate(Call call) {
    call.receiveText(body -> issued(call, context.tokens().rotate(call.bucket())));
  }

  void remove(Call call) {
    call.block(ex -> {
      context.tokens().remove(call.bucket());
      call.respond(Response.of(200));
    });
  }

  private static void issued(Call call, IssuedToken token) {
    call.respond(
        JsonText.object(json -> {
          json.writeStringField("value", token.value());
          json.writeStringField("created_at", token.createdAt().toString());
        }));
  }

  /** The fields of a token in the order in which clients know them. */
  static void write(JsonGenerator json, TokenInfo token) throws IOException {
    json.writeStringField("name", token.name());
    json.writeStringField("value", "");
    json.writeStringField("created_at", token.createdAt().toString());
    json.writeObjectFieldStart("permissions");
    json.writeBooleanField("full_access", token.permissions().fullAccess());
    texts(json, "read", token.permissions().read());
    texts(json, "write", token.permissions().write());
    json.writeEndObject();
    json.writeBooleanField("is_provisioned", token.isProvisioned());
    json.writeStringField("expires_at", token.expiresAt().map(Instant::toString).orElse(null));
    if (token.ttlSeconds().isPresent()) {
      JsonText.unsigned(json, "ttl", token.ttlSeconds().getAsLong());
    } else {
      json.writeNullField("ttl");
    }
    json.writeStringField("last_access", token.lastAccess().map(Instant::toString).orElse(null));
    texts(json, "ip_allowlist", token.ipAllowlist());
    json.writeBooleanField("is_expired", token.isExpired());
  }

  private static void texts(JsonGenerator json, String name, List<String> texts)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (String text : texts) {
      json.writeString(text);
    }
    json.writeEndArray();
  }

  /**
   * What a token is to be, in the form of either protocol. A field that is not known could be a
   * misspelt restriction.
   */
  static NewToken parse(byte[] body) {
    try {
      ObjectNode object = Json.object(body);
      if (!object.has("permissions")) {
        requireOnly(OLD_FIELDS, object);
        return new NewToken(
            permissions(object), Optional.empty(), OptionalLong.empty(), allowlist(object));
      }
      requireOnly(FIELDS, object);
      if (!(object.get("permissions") instanceof ObjectNode permissions)) {
        throw invalid();
      }
      return new NewToken(
          permissions(permissions),
          Json.text(object, "expires_at").map(TokenRoutes::time),
          Json.unsigned(object, "ttl"),
          allowlist(object));
    } catch (PannierException.Invalid malformed) {
      throw invalid();
    }
  }

  private static Permissions permissions(ObjectNode object) {
    requireNoNull(object, "full_access", "read", "write");
    return new Permissions(
        Json.flag(object, "full_access"),
        Json.texts(object, "read").orElse(List.of()),
        Json.texts(object, "write").orElse(List.of()));
  }

  private static List<String> allowlist(ObjectNode object) {
    requireNoNull(object, "ip_allowlist");
    return Json.texts(object, "ip_allowlist").orElse(List.of());
  }

  private static Instant time(String text) {
    try {
      return OffsetDateTime.parse(text.replace(' ', 'T')).toInstant();
    } catch (DateTimeException notATime) {
      throw invalid();
    }
  }

  private static void requireOnly(Set<String> known, ObjectNode object) {
    object
        .fieldNames()
        .forEachRemaining(name -> {
          if (!known.contains(name)) {
            throw invalid();
          }
        });
  }

  private static void requireNoNull(ObjectNode object, String... names) {
    for (String name : names) {
      JsonNode value = object.get(name);
      if (value != null && value.isNull()) {
        throw invalid();
      }
    }
  }

  private static PannierException.Invalid invalid() {
    return new PannierException.Invalid("Invalid body");
  }
}
