UPDATE countersign.issuer SET version = version + 1, body = (body::jsonb || jsonb_build_object(
  'incarnation', md5(random()::text),
  'restoredAt', floor(extract(epoch FROM now()) * 1000),
  'version', version + 1))::text;
