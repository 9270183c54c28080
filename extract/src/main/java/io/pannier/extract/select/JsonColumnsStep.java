package io.pannier.extract.select;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.extract.select.SelectConfig.Column;
import io.pannier.extract.table.ContentException;
import io.pannier.extract.table.DataFormat;
import io.pannier.extract.table.JsonRows;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Spool;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes members of JSON objects. Each object is an item for the condition; those that it keeps are
 * a list in the end.
 */
final class JsonColumnsStep implements Step {
  private static final String CONTENT_TYPE = DataFormat.JSON.contentType();

  /**
   * @param path names from the outside in
   */
  private record Selected(List<String> path, Column column) {}

  private final List<Selected> columns;
  private final Work work;
  private @Nullable Spool spool;
  private Labels labels = Labels.EMPTY;

  JsonColumnsStep(SelectConfig.Columns config, Work work) {
    columns = config.columns().stream().map(column -> new Selected(path(column), column)).toList();
    this.work = work;
  }

  private static List<String> path(Column column) {
    return switch (column) {
      case Column.Named(String name, var _) -> Arrays.asList(name.split("\\.", -1));
      case Column.At _, Column.Range _ ->
          throw new IllegalArgumentException("JSON is selected by name");
    };
  }

  @Override
  public Items process(Item input) {
    abandon();
    var rows = new JsonRows(input.body().stream());
    return () -> {
      try {
        work.check();
        JsonNode row = rows.next();
        return row == null ? null : new Row(input, row);
      } catch (ContentException e) {
        throw Failures.parse("JSON", String.valueOf(e.getMessage()));
      }
    };
  }

  @Override
  public Items commit(Item kept) {
    if (!(kept instanceof Row row)) {
      throw new IllegalStateException("not a row of the record in work");
    }
    Spool output = spool;
    if (output == null) {
      output = work.spool();
      spool = output;
      labels = row.own();
      output.write(new byte[] {'['});
    } else {
      output.write(new byte[] {','});
    }
    output.write(row.selected());
    return Items.none();
  }

  @Override
  public Items finish(Item input) {
    Spool output = spool;
    if (output == null) {
      return Items.none();
    }
    output.write(new byte[] {']'});
    Body body = output.finish();
    spool = null;
    return Items.of(
        Item.of(
            input.entry(),
            input.timestamp(),
            input.labels(),
            input.computed().with(labels),
            CONTENT_TYPE,
            body));
  }

  @Override
  public void discard(Item input) {
    abandon();
  }

  @Override
  public boolean isIndependent() {
    return true;
  }

  @Override
  public void close() {
    abandon();
  }

  private void abandon() {
    if (spool != null) {
      spool.close();
      spool = null;
    }
  }

  /** One object. */
  private final class Row implements Item {
    private final Item input;
    private final JsonNode whole;

    Row(Item input, JsonNode whole) {
      this.input = input;
      this.whole = whole;
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
      return input.computed().with(own());
    }

    @Override
    public String contentType() {
      return CONTENT_TYPE;
    }

    @Override
    public Body body() {
      return Body.of(selected());
    }

    Labels own() {
      var own = Labels.EMPTY;
      for (Selected selected : columns) {
        var name = selected.column().label();
        if (name.isPresent()) {
          JsonNode value = valueAt(selected.path());
          if (value != null && value.isValueNode() && !value.isNull()) {
            String text = value.isTextual() ? value.textValue() : JsonRows.text(value);
            own = own.with(Labels.of(name.get(), LabelText.of(text)));
          }
        }
      }
      return own;
    }

    byte[] selected() {
      var tree = new JsonSelection();
      for (Selected selected : columns) {
        JsonNode value = valueAt(selected.path());
        if (value != null) {
          tree.put(selected.path(), value);
        }
      }
      return JsonRows.bytes(tree.toNode());
    }

    private @Nullable JsonNode valueAt(List<String> path) {
      JsonNode at = whole;
      for (String name : path) {
        at = at.get(name);
        if (at == null) {
          return null;
        }
      }
      return at;
    }
  }
}
