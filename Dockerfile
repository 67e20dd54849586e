# Juryroom for an operator: the same image serves the site and works off the queue (see compose.yaml).
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 JURYROOM_NO_SETUP=1 JURYROOM_DATA=/data
WORKDIR /app

COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY . .
RUN useradd --create-home juryroom && mkdir /data && chown juryroom /data
USER juryroom
VOLUME /data

EXPOSE 8000
CMD ["python", "manage.py", "up", "--host", "0.0.0.0"]
