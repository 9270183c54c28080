package com.example.lines;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Extension;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Spool;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Looks into log files: each line is judged by the condition beside the extension, and the lines that hold come as one text for each
 * record. Parameter {@code as_label}: names of computed labels with regular expressions; a label is the first group of the first match
 * in a line, or the whole match, or empty.
 *
 * <pre>
 * {"#ext": {"lines": {"as_label": {"level": "INFO|WARN|ERROR"}}, "when": {"@level": {"$eq": "ERROR"}}}}
 * </pre>
 */
public final class LinesExtension implements Extension {
  /** Longest line, in characters. */
  private static final int LINE_MAX = 1 << 16;

  @Override
  public String name() {
    return "lines";
  }

  @Override
  public String version() {
    return "1.0";
  }

  @Override
  public Step open(Opening opening) {
    Map<String, Pattern> labels = new LinkedHashMap<>();
    JsonNode asLabel = opening.parameters().path("as_label");
    if (!asLabel.isMissingNode() && !asLabel.isObject()) {
      throw new PannierException.Invalid("'as_label' of extension 'lines' must be an object");
    }
    for (Map.Entry<String, JsonNode> label : asLabel.properties()) {
      try {
        labels.put(label.getKey(), Pattern.compile(label.getValue().asText()));
      } catch (PatternSyntaxException malformed) {
        throw new PannierException.Invalid("'as_label." + label.getKey() + "' is no regular expression: " + malformed.getDescription());
      }
    }
    return new LinesStep(labels, opening.work());
  }

  /** One query. */
  private static final class LinesStep implements Step {
    private final Map<String, Pattern> labels;
    private final Work work;

    /** Lines of the record in work that were kept; null before the first. */
    private Spool kept;

    LinesStep(Map<String, Pattern> labels, Work work) {
      this.labels = labels;
      this.work = work;
    }

    /** Splits a record. The text is read line by line, so a log of any length is. */
    @Override
    public Items process(Item record) {
      var text = new BufferedReader(new InputStreamReader(record.body().stream(), StandardCharsets.UTF_8));
      return () -> {
        work.check();
        String line = nextLine(text);
        return line == null ? null : item(record, line);
      };
    }

    private static String nextLine(BufferedReader text) {
      var line = new StringBuilder();
      try {
        for (int c = text.read(); c != '\n'; c = text.read()) {
          if (c < 0) {
            return line.isEmpty() ? null : line.toString();
          }
          if (line.length() == LINE_MAX) {
            throw new PannierException.Invalid("A line is longer than " + LINE_MAX + " characters");
          }
          line.append((char) c);
        }
      } catch (IOException impossible) {
        throw new PannierException.Internal("Text cannot be read", impossible);
      }
      return line.toString();
    }

    private Item item(Item record, String line) {
      var computed = new Labels.Builder();
      labels.forEach((name, pattern) -> {
        Matcher match = pattern.matcher(line);
        computed.set(name, !match.find() ? "" : match.groupCount() == 0 ? match.group() : String.valueOf(match.group(1)));
      });
      byte[] content = (line + "\n").getBytes(StandardCharsets.UTF_8);
      return Item.of(record.entry(), record.timestamp(), record.labels(), computed.build(), "text/plain", Body.of(content));
    }

    /** A line that holds: kept back until the record is done. */
    @Override
    public Items commit(Item line) {
      if (kept == null) {
        kept = work.spool();
      }
      kept.write(line.body().bytes(Integer.MAX_VALUE));
      return Items.none();
    }

    /** All lines of a record were judged. */
    @Override
    public Items finish(Item record) {
      if (kept == null) {
        return Items.none();
      }
      Body text = kept.finish();
      kept = null;
      return Items.of(Item.of(record.entry(), record.timestamp(), record.labels(), Labels.EMPTY, "text/plain", text));
    }

    /** The record failed half-way. */
    @Override
    public void discard(Item record) {
      close();
    }

    @Override
    public void close() {
      if (kept != null) {
        kept.close();
        kept = null;
      }
    }
  }
}
