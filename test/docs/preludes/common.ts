/** What the pages take as given: an application, its client, a few services of somebody's own. */
import type { INestApplicationContext } from '@nestjs/common';
import type { StemClient, TaskContext } from 'nestjs-stem';

export { Controller, Get, Injectable, Module, Post } from '@nestjs/common';
export { NestFactory } from '@nestjs/core';

export declare const app: INestApplicationContext;
export declare const stem: StemClient;
export declare const ctx: TaskContext;
