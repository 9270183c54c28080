package io.pannier.extract.ros;

import com.fasterxml.jackson.core.Base64Variants;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Work;
import io.pannier.robotics.msg.FieldType.Primitive;
import io.pannier.robotics.msg.MessageException;
import io.pannier.robotics.msg.MessageVisitor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * One way through a message: finds its time and the values that become labels, and, if that is
 * wanted too, writes it as JSON or takes the picture out of it. Nothing is built of the message in
 * between, so that a message of many parts takes no more memory than its text.
 */
final class MessageJson implements MessageVisitor {
  private static final JsonFactory JSON = new JsonFactory();

  /** Longer texts are no labels. */
  private static final int LABEL_CHARACTERS_MAX = 1_024;

  private static final int CHECK_EVERY = 4_096;

  private final RosParameters.Operation.Extract wanted;
  private final Work work;
  private final @Nullable JsonGenerator out;
  private final boolean pictureWanted;
  private final Labels.Builder labels;

  private @Nullable FieldTree[] nodes = new FieldTree[8];
  private int[] nextElements = new int[8];
  private @Nullable ImageFields[] images = new ImageFields[8];
  private int depth;
  private @Nullable FieldTree next;
  private String field = "";
  private String rootType = "";
  private byte @Nullable [] picture;
  private int values;
  private boolean stamped;
  private long seconds;
  private long nanoseconds;

  private MessageJson(
      RosParameters.Operation.Extract wanted,
      Labels.Builder labels,
      Work work,
      @Nullable JsonGenerator out,
      boolean pictureWanted) {
    this.wanted = wanted;
    this.labels = labels;
    this.work = work;
    this.out = out;
    this.pictureWanted = pictureWanted;
    next = wanted.fields();
  }

  /** What was found. */
  record Found(OptionalLong micros, Labels labels) {}

  /** A message with its body. */
  record Built(Found found, Body body) {}

  /** Finds time and labels. */
  static Found look(
      ByteBuffer message,
      MessageDecoder decoder,
      RosParameters.Operation.Extract wanted,
      Labels.Builder labels,
      Work work)
      throws MessageException {
    var visitor = new MessageJson(wanted, labels, work, null, false);
    decoder.read(message, visitor);
    return visitor.found();
  }

  /** Finds time and labels, and makes the body. */
  static Built build(
      ByteBuffer message,
      MessageDecoder decoder,
      RosParameters.Operation.Extract wanted,
      Labels.Builder labels,
      Work work)
      throws MessageException {
    if (wanted.form() != RosParameters.Form.JSON) {
      var visitor = new MessageJson(wanted, labels, work, null, true);
      decoder.read(message, visitor);
      byte[] file = visitor.picture;
      if (file == null) {
        throw ImageFields.unsupported(wanted.form() == RosParameters.Form.PNG, visitor.rootType);
      }
      return new Built(visitor.found(), Body.of(file));
    }
    try (var body = new BodyBuilder(work);
        JsonGenerator json = JSON.createGenerator(body)) {
      var visitor = new MessageJson(wanted, labels, work, json, false);
      if (wanted.list()) {
        json.writeStartArray();
      }
      decoder.read(message, visitor);
      if (wanted.list()) {
        json.writeEndArray();
      }
      json.flush();
      return new Built(visitor.found(), body.finish());
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private Found found() {
    OptionalLong micros = OptionalLong.empty();
    if (stamped && (seconds != 0 || nanoseconds != 0)) {
      micros = OptionalLong.of(Math.max(0, seconds * 1_000_000 + nanoseconds / 1_000));
    }
    return new Found(micros, labels.build());
  }

  // --- Where we are

  private @Nullable FieldTree take() {
    if (++values % CHECK_EVERY == 0) {
      work.check();
    }
    if (depth == 0 || nextElements[depth - 1] < 0) {
      return next;
    }
    FieldTree array = nodes[depth - 1];
    int index = nextElements[depth - 1]++;
    return array == null ? null : array.elements.get(index);
  }

  private void push(@Nullable FieldTree node, int nextElement, @Nullable ImageFields image) {
    if (depth == nextElements.length) {
      nodes = Arrays.copyOf(nodes, 2 * depth);
      nextElements = Arrays.copyOf(nextElements, 2 * depth);
      images = Arrays.copyOf(images, 2 * depth);
    }
    nodes[depth] = node;
    nextElements[depth] = nextElement;
    images[depth] = image;
    depth++;
  }

  /** The image that a value is a field of. */
  private @Nullable ImageFields image() {
    return depth > 0 ? images[depth - 1] : null;
  }

  private void label(@Nullable FieldTree node, String text) {
    if (node == null || node.labels.isEmpty() || text.length() > LABEL_CHARACTERS_MAX) {
      return;
    }
    String value = text;
    for (int i = 0; i < text.length(); i++) {
      if (Character.isISOControl(text.charAt(i))) {
        // The header of an answer cannot hold them.
        value = text.replaceAll("\\p{Cntrl}", " ");
        break;
      }
    }
    for (String name : node.labels) {
      labels.set(name, value);
    }
  }

  /** As {@link #take}, for what is no array of bytes. */
  private @Nullable FieldTree takeOther() {
    FieldTree node = take();
    if (out != null && node != null && node.encoding != null) {
      throw new PannierException.Invalid(
          "A field that 'ros.extract.encode' names is no array of bytes");
    }
    return node;
  }

  private static PannierException.Internal failed(IOException e) {
    return new PannierException.Internal("Failed to write a message as JSON", e);
  }

  // --- Values

  @Override
  public void beginMessage(String type) {
    FieldTree node = takeOther();
    if (depth == 0) {
      rootType = type;
    }
    push(node, -1, ImageFields.of(type));
    if (out != null) {
      try {
        out.writeStartObject();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void field(String name) {
    field = name;
    FieldTree message = nodes[depth - 1];
    next = message == null ? null : message.fields.get(name);
    if (out != null) {
      try {
        out.writeFieldName(name);
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void endMessage() {
    depth--;
    if (out != null) {
      try {
        out.writeEndObject();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void beginArray(int count) {
    FieldTree node = takeOther();
    push(node, 0, null);
    if (out != null) {
      try {
        out.writeStartArray();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void endArray() {
    depth--;
    if (out != null) {
      try {
        out.writeEndArray();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void bool(boolean value) {
    label(takeOther(), String.valueOf(value));
    if (out != null) {
      try {
        out.writeBoolean(value);
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void integer(long value, Primitive type) {
    FieldTree node = takeOther();
    boolean beyond = type == Primitive.UINT64 && value < 0;
    if (node != null) {
      label(node, beyond ? Long.toUnsignedString(value) : Long.toString(value));
      if (node.stamp == FieldTree.Stamp.SECONDS) {
        seconds = value;
        stamped = true;
      } else if (node.stamp == FieldTree.Stamp.NANOSECONDS) {
        nanoseconds = value;
        stamped = true;
      }
    }
    ImageFields image = image();
    if (image != null) {
      image.integer(field, value);
    }
    if (out != null) {
      try {
        if (beyond) {
          out.writeNumber(new BigInteger(Long.toUnsignedString(value)));
        } else {
          out.writeNumber(value);
        }
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void number(float value) {
    FieldTree node = takeOther();
    boolean finite = Float.isFinite(value);
    if (finite) {
      label(node, Float.toString(value));
    }
    if (out != null) {
      try {
        if (finite) {
          out.writeNumber(value);
        } else {
          out.writeNull();
        }
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void number(double value) {
    FieldTree node = takeOther();
    boolean finite = Double.isFinite(value);
    if (finite) {
      label(node, Double.toString(value));
    }
    if (out != null) {
      try {
        if (finite) {
          out.writeNumber(value);
        } else {
          out.writeNull();
        }
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void time(long sec, long nsec) {
    FieldTree node = takeOther();
    if (node != null) {
      if (node.stamp == FieldTree.Stamp.TIME) {
        seconds = sec;
        nanoseconds = nsec;
        stamped = true;
      }
      label(node.fields.get("sec"), Long.toString(sec));
      label(node.fields.get("nsec"), Long.toString(nsec));
    }
    if (out != null) {
      try {
        out.writeStartObject();
        out.writeNumberField("sec", sec);
        out.writeNumberField("nsec", nsec);
        out.writeEndObject();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void text(String value) {
    FieldTree node = takeOther();
    label(node, value);
    ImageFields image = image();
    if (image != null) {
      image.text(field, value);
    }
    if (out != null) {
      try {
        out.writeString(value);
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  @Override
  public void bytes(ByteBuffer value, Primitive element) {
    FieldTree node = take();
    boolean signed = element == Primitive.INT8;
    if (node != null) {
      node.elements.forEach((index, each) -> {
        if (index < value.remaining()) {
          int number = value.get(value.position() + index);
          label(each, Integer.toString(signed ? number : number & 0xff));
        }
      });
    }
    ImageFields image = image();
    if (pictureWanted && depth == 1 && image != null && field.equals("data")) {
      picture = image.file(wanted.form() == RosParameters.Form.PNG, value, work);
    }
    if (out != null) {
      try {
        if (node != null && node.encoding != null) {
          encoded(out, value, node.encoding, image);
        } else {
          numbers(out, value, signed);
        }
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  private void encoded(
      JsonGenerator json,
      ByteBuffer value,
      FieldTree.Encoding encoding,
      @Nullable ImageFields image)
      throws IOException {
    InputStream bytes;
    int length;
    if (encoding == FieldTree.Encoding.BASE64) {
      bytes = new BufferStream(value);
      length = value.remaining();
    } else {
      boolean png = encoding == FieldTree.Encoding.PNG;
      if (image == null || !field.equals("data")) {
        throw ImageFields.unsupported(png, rootType);
      }
      byte[] file = image.file(png, value, work);
      bytes = new ByteArrayInputStream(file);
      length = file.length;
    }
    json.writeBinary(Base64Variants.MIME_NO_LINEFEEDS, bytes, length);
  }

  private void numbers(JsonGenerator json, ByteBuffer value, boolean signed) throws IOException {
    json.writeStartArray();
    for (int left = value.remaining(); left > 0; left--) {
      int number = value.get();
      json.writeNumber(signed ? number : number & 0xff);
      if (left % (16 * CHECK_EVERY) == 0) {
        work.check();
      }
    }
    json.writeEndArray();
  }

  /** The remaining bytes of a buffer. */
  private static final class BufferStream extends InputStream {
    private final ByteBuffer bytes;

    BufferStream(ByteBuffer bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return bytes.hasRemaining() ? bytes.get() & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int from, int length) {
      int count = Math.min(length, bytes.remaining());
      if (count == 0) {
        return length == 0 ? 0 : -1;
      }
      bytes.get(target, from, count);
      return count;
    }
  }
}
