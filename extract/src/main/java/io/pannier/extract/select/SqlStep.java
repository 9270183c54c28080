package io.pannier.extract.select;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.extract.select.SelectConfig.ProtobufSource;
import io.pannier.extract.sql.SqlEngines;
import io.pannier.extract.sql.SqlException;
import io.pannier.extract.sql.SqlRequest;
import io.pannier.extract.sql.SqlResult;
import io.pannier.extract.table.DataFormat;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Runs a statement over each record, and joins rows of several records if that is asked for. */
final class SqlStep implements Step {
  private final SelectConfig.Sql config;
  private final JsonNode attachments;
  private final Work work;
  private final SqlEngines engines = SqlEngines.shared();

  /** Rows that are held back, by entry. */
  private final Map<String, RowGroup> groups = new LinkedHashMap<>();

  SqlStep(SelectConfig.Sql config, Opening opening) {
    this.config = config;
    attachments = opening.parameters().path("attachments");
    work = opening.work();
  }

  @Override
  public Items process(Item input) {
    return new Items() {
      private boolean over;

      @Override
      public @Nullable Item next() {
        if (over) {
          return null;
        }
        over = true;
        return run(input);
      }
    };
  }

  @Override
  public Items commit(Item kept) {
    if (!config.groups()) {
      return Items.of(kept);
    }
    if (!(kept instanceof SqlItem item)) {
      throw new IllegalStateException("not a result of this step");
    }
    var outputs = new ArrayList<Item>();
    RowGroup group = groups.computeIfAbsent(item.entry(), _ -> new RowGroup(config, engines, work));
    group.add(item, outputs);
    return Items.of(outputs);
  }

  @Override
  public Items flush() {
    var outputs = new ArrayList<Item>();
    groups.values().forEach(group -> group.finish(outputs));
    groups.clear();
    return Items.of(outputs);
  }

  @Override
  public void close() {
    groups.values().forEach(RowGroup::close);
    groups.clear();
  }

  private @Nullable Item run(Item input) {
    DataFormat format =
        config
            .input()
            .or(() -> DataFormat.of(input.contentType()))
            .orElseThrow(() ->
                Failures.record(
                    "Unsupported content type '"
                        + input.contentType()
                        + "' for extension 'select'"));
    DataFormat output = config.output().orElse(format.defaultOutput());
    boolean headers = config.headers().orElseGet(() -> DataFormat.saysHeader(input.contentType()));
    Optional<SqlRequest.Message> message =
        format == DataFormat.PROTOBUF ? Optional.of(message(input)) : Optional.empty();
    var request =
        new SqlRequest(
            format,
            headers,
            message,
            config.statement(),
            output,
            List.copyOf(config.labels().values()),
            config.rows() > 0);
    int max = SqlEngines.contentMax(work);
    if (input.body().length() > max) {
      throw Failures.parse(
          format.shown(),
          "content of "
              + input.body().length()
              + " bytes is longer than the "
              + max
              + " bytes that a statement can read");
    }
    byte[] content = input.body().bytes(max);
    work.reserve(content.length);
    try {
      SqlResult result = engines.run(request, content, work);
      return result.rows() == 0 ? null : new SqlItem(input, output, result, labels(result));
    } catch (SqlException e) {
      throw e.isContent()
          ? Failures.parse(format.shown(), String.valueOf(e.getMessage()))
          : Failures.record("SQL error: " + e.getMessage());
    } finally {
      work.release(content.length);
    }
  }

  private Labels labels(SqlResult result) {
    return RowGroup.labels(config, result, result.rows() - 1);
  }

  private SqlRequest.Message message(Item input) {
    ProtobufSource source = config.protobuf();
    if (!source.fields().isEmpty()) {
      var fields = new LinkedHashMap<String, SqlRequest.Message.Field>();
      source
          .fields()
          .forEach((name, field) ->
              fields.put(name, new SqlRequest.Message.Field(field.id(), field.type())));
      return new SqlRequest.Message.Listed(fields);
    }
    if (source.schema().isPresent() && source.messageName().isPresent()) {
      return new SqlRequest.Message.Described(source.schema().get(), source.messageName().get());
    }
    JsonNode attached = attachments.path(input.entry()).path("$schema");
    String schema = attached.path("schema").asText("");
    String name = source.messageName().orElseGet(() -> attached.path("schema_name").asText(""));
    if (!attached.path("encoding").asText("").equals("protobuf")
        || schema.isEmpty()
        || name.isEmpty()) {
      throw Failures.record("Entry '" + input.entry() + "' has no '$schema' attachment");
    }
    return new SqlRequest.Message.Described(schema, name);
  }

  /** What a statement gave for a record. */
  static final class SqlItem implements Item {
    private final Item input;
    private final DataFormat format;
    private final SqlResult result;
    private final Labels own;
    private final Body body;

    SqlItem(Item input, DataFormat format, SqlResult result, Labels own) {
      this.input = input;
      this.format = format;
      this.result = result;
      this.own = own;
      body = Body.of(RowGroup.document(format, result.first(), result.content()));
    }

    Item input() {
      return input;
    }

    DataFormat format() {
      return format;
    }

    SqlResult result() {
      return result;
    }

    @Override
    public String entry() {
      return input.entry();
    }

    @Override
    public long timestamp() {
      return input.timestamp();
    }

    @Override
    public Labels labels() {
      return input.labels();
    }

    @Override
    public Labels computed() {
      return input.computed().with(own);
    }

    @Override
    public String contentType() {
      return format.contentType();
    }

    @Override
    public Body body() {
      return body;
    }
  }
}
