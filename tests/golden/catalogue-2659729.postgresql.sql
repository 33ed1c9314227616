SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.items (
    id character varying(128) NOT NULL COLLATE pg_catalog."C",
    location text NOT NULL,
    sha256 character varying(64) NOT NULL,
    media_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    label text,
    attributes json NOT NULL,
    origin character varying(8) NOT NULL,
    replacement character varying(16)
);
CREATE TABLE public.replies (
    key character varying(128) NOT NULL,
    request character varying(64) NOT NULL,
    status integer NOT NULL,
    body text NOT NULL,
    created bigint NOT NULL
);
INSERT INTO public.items VALUES ('shelf/0', 'pictures/0.jpg', '0000000000000000000000000000000000000000000000000000000000000000', 'image/jpeg', 60, 44, NULL, '{"price": 0.0, "stock": 0, "glazed": true, "shape": "bowl"}', 'source', 'cee3c3aed4511311');
INSERT INTO public.items VALUES ('shelf/1', 'pictures/1.jpg', '0000000000000000000000000000000000000000000000000000000000000001', 'image/jpeg', 61, 44, 'label-1', '{"price": 0.5, "stock": 1, "glazed": false, "shape": "bowl"}', 'source', 'cee3c3aed4511311');
INSERT INTO public.items VALUES ('shelf/2', 'pictures/2.jpg', '0000000000000000000000000000000000000000000000000000000000000002', 'image/jpeg', 62, 44, 'label-0', '{"price": 1.0, "stock": 2, "glazed": true, "shape": "bowl"}', 'source', 'cee3c3aed4511311');
INSERT INTO public.items VALUES ('shelf/3', 'pictures/3.jpg', '0000000000000000000000000000000000000000000000000000000000000003', 'image/jpeg', 63, 44, 'label-1', '{"price": 1.5, "stock": 3, "glazed": false, "shape": "bowl"}', 'source', 'cee3c3aed4511311');
INSERT INTO public.items VALUES ('added/1', 'images/00/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.png', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'image/png', 8, 8, 'amphora', '{"price": 3.5}', 'api', NULL);
INSERT INTO public.replies VALUES ('order-1', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 201, '{"id":"added/1"}', 1796060433);
ALTER TABLE ONLY public.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.replies
    ADD CONSTRAINT replies_pkey PRIMARY KEY (key);
CREATE INDEX items_location ON public.items USING btree (location);
CREATE INDEX replies_created ON public.replies USING btree (created);
